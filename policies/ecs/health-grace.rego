# METADATA
# title: Time to start
# description: Services that load balancers send to have some time before failed health checks count.
# scope: package
# custom:
#   id: health-grace
#   level: advisory
#   severity: low
#   why: A program that is slower than its first health checks is stopped, and the next one too, until the deployment is given up.
package gitops.health_grace

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	object.get(service, "health_check_grace_period_seconds", 0) == 0
	count(object.get(service, "load_balancers", [])) > 0
	finding := {
		"address": address,
		"field": ["health_check_grace_period_seconds"],
		"key": ["health", "grace"],
		"msg": sprintf("tasks of %s are stopped when they do not answer at once", [data.gitops.lib.names.called(address)]),
		"hint": "say how long they may take: `health = { grace = 60 }`",
	}
}
