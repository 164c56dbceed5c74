# METADATA
# title: NAT in each zone
# description: Subnets with a route over a NAT gateway have one in their own zone.
# scope: package
# custom:
#   id: nat-in-each-zone
#   level: advisory
#   severity: low
#   why: With one gateway for all, the loss of its zone takes the internet away from the others. One a zone costs about 35 dollars a month each.
package gitops.nat_in_each_zone

import rego.v1

deny contains finding if {
	some address, table in input.kinds["ec2.route_table"]
	some destination, target in table.routes
	home := zone(input.kinds["ec2.nat_gateway"][target.nat_gateway].subnet)
	others := {zone(subnet) | some subnet in table.subnets} - {home}
	count(others) > 0
	finding := {
		"address": address,
		"field": ["routes"],
		"key": ["nat"],
		"msg": sprintf("%s sends %s from %s over a NAT gateway in %s", [
			data.gitops.lib.names.called(address),
			destination,
			concat(", ", sort(others)),
			home,
		]),
		"hint": "say `nat = \"per-zone\"`",
	}
}

zone(subnet) := input.facts.subnets[subnet].zone
