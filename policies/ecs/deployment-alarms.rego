# METADATA
# title: Alarms end deployments
# description: Services name alarms that end a deployment and take it back.
# scope: package
# custom:
#   id: deployment-alarms
#   level: off
#   severity: low
#   why: Tasks that come up and then answer with errors are a good deployment for ECS, and a bad one for everybody else.
package gitops.deployment_alarms

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	count(object.get(service, ["deployment", "alarms", "alarm_names"], [])) == 0
	finding := {
		"address": address,
		"field": ["deployment", "alarms"],
		"msg": sprintf("no alarm ends a deployment of %s", [data.gitops.lib.names.called(address)]),
		"hint": sprintf("name one in `[%s.override.\"ecs.service\"]`: `deployment.alarms = { alarm_names = [\"…\"], rollback = true }`", [data.gitops.lib.names.component(address)]),
	}
}
