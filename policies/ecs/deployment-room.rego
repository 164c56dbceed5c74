# METADATA
# title: Deployments have room
# description: Between the least and the most tasks of a service (minimum and maximum percent of its count) is room for a task to stop or to start.
# scope: package
# custom:
#   id: deployment-room
#   level: hard
#   severity: high
#   why: Where the least is as many as there are and the most is too, ECS may neither start a new task nor stop an old one, and a deployment never gets anywhere.
package gitops.deployment_room

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	tasks := object.get(service, "desired_count", 1)
	tasks > 0
	deployment := object.get(service, "deployment", {})
	object.get(deployment, "strategy", "ROLLING") == "ROLLING"
	least := object.get(deployment, "minimum_healthy_percent", 100)
	most := object.get(deployment, "maximum_percent", 200)

	# Rounded up and down as ECS does.
	ceil((tasks * least) / 100) >= tasks
	floor((tasks * most) / 100) <= tasks
	finding := {
		"address": address,
		"field": ["deployment", "maximum_percent"],
		"key": ["deploy", "maximum_percent"],
		"msg": sprintf("no deployment of %s gets anywhere: of %d tasks %d%% must run, and %d%% may", [
			data.gitops.lib.names.called(address),
			tasks,
			least,
			most,
		]),
		"hint": "say `maximum_percent = 200`, or a `minimum_percent` that lets one task stop",
	}
}
