# METADATA
# title: Endpoints in each zone
# description: Interface endpoints have an address in each zone that tasks of their VPC stand in.
# scope: package
# custom:
#   id: endpoints-in-each-zone
#   level: advisory
#   severity: medium
#   why: With an endpoint in one zone, the loss of that zone takes the tasks of all others with it, and traffic between zones is charged.
package gitops.endpoints_in_each_zone

import rego.v1

deny contains finding if {
	some address, endpoint in input.kinds["ec2.vpc_endpoint"]
	endpoint.vpc_endpoint_type == "interface"
	own := {input.facts.subnets[name].zone | some name in endpoint.subnets}
	missing := used[endpoint.vpc] - own
	count(missing) > 0
	finding := {
		"address": address,
		"field": ["subnets"],
		"key": ["endpoints"],
		"msg": sprintf("the endpoint of %s for %s is not in %s, where tasks stand", [
			data.gitops.lib.names.called(address),
			endpoint.service_name,
			concat(", ", sort(missing)),
		]),
		"hint": "give it a subnet in each zone",
	}
}

# By VPC the zones of tasks.
used[vpc] contains subnet.zone if {
	some thing in input.facts.placed
	thing.what == "tasks"
	some name in thing.subnets
	subnet := input.facts.subnets[name]
	vpc := subnet.vpc
}
