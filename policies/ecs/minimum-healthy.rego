# METADATA
# title: Somebody answers during deployments
# description: Some tasks of services that load balancers send to keep running while others are replaced.
# scope: package
# custom:
#   id: minimum-healthy
#   level: advisory
#   severity: medium
#   why: With a minimum of 0 % ECS may stop all tasks before it starts new ones.
package gitops.minimum_healthy

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	service.deployment.minimum_healthy_percent == 0
	count(object.get(service, "load_balancers", [])) > 0
	finding := {
		"address": address,
		"field": ["deployment", "minimum_healthy_percent"],
		"key": ["deploy", "minimum_percent"],
		"msg": sprintf("all tasks of %s may be gone during a deployment", [data.gitops.lib.names.called(address)]),
		"hint": "leave `minimum_percent` out, unless two versions must never run beside each other",
	}
}
