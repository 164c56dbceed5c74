# METADATA
# title: Deployments that fail end
# description: ECS gives up on a deployment whose tasks do not come up, and goes back to the last one that did.
# scope: package
# custom:
#   id: circuit-breaker
#   level: soft
#   severity: medium
#   why: Otherwise it starts tasks that die for as long as the service lives, and the old ones are gone as soon as something else stops them.
package gitops.circuit_breaker

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	object.get(service, ["deployment", "strategy"], "ROLLING") == "ROLLING"
	what := missing(object.get(service, ["deployment", "circuit_breaker"], {}))
	finding := {
		"address": address,
		"field": ["deployment", "circuit_breaker"],
		"key": ["deploy", "circuit_breaker"],
		"msg": sprintf("a deployment of %s whose tasks do not come up %s", [data.gitops.lib.names.called(address), what]),
		"hint": "leave `circuit_breaker` out, or say `true`",
	}
}

missing(breaker) := "goes on for ever" if not breaker.enable

missing(breaker) := "leaves it as it is then" if {
	breaker.enable
	not breaker.rollback
}
