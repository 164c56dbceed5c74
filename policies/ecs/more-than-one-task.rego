# METADATA
# title: More than one task
# description: Services that load balancers send to have two tasks at least.
# scope: package
# custom:
#   id: more-than-one-task
#   level: advisory
#   severity: medium
#   why: One task is none while ECS moves it, and it stands in one availability zone.
package gitops.more_than_one_task

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	object.get(service, "desired_count", 1) == 1
	count(object.get(service, "load_balancers", [])) > 0
	finding := {
		"address": address,
		"field": ["desired_count"],
		"key": ["count"],
		"msg": sprintf("%s is one task, and nobody answers while it is replaced or its zone is down", [data.gitops.lib.names.called(address)]),
		"hint": "say `count = 2`",
	}
}
