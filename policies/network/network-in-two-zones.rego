# METADATA
# title: Networks in two zones
# description: A network has subnets in two availability zones at least.
# scope: package
# custom:
#   id: network-in-two-zones
#   level: soft
#   severity: medium
#   why: Zones fail as a whole, and a network in one zone cannot be extended while it does.
package gitops.network_in_two_zones

import rego.v1

deny contains finding if {
	some vpc, own in zones
	count(own) == 1
	finding := {
		"address": vpc,
		"key": ["zones"],
		"msg": sprintf("%s stands in one availability zone", [data.gitops.lib.names.called(vpc)]),
		"hint": "say `zones = 2`",
	}
}

zones[vpc] contains input.facts.subnets[address].zone if {
	some address, subnet in input.kinds["ec2.subnet"]
	vpc := subnet.vpc
}
