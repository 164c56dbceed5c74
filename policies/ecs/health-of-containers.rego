# METADATA
# title: Somebody asks each container
# description: Essential containers that no load balancer asks have a health check of their own.
# scope: package
# custom:
#   id: health-of-containers
#   level: advisory
#   severity: low
#   why: A program that hangs still runs. Without a check nobody replaces the task.
package gitops.health_of_containers

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	definition := service.task_definition
	task := input.kinds["ecs.task_definition"][definition]
	asked := {target.container_name | some target in service.load_balancers}
	some name, container in task.containers
	object.get(container, "essential", true)
	not container.health_check
	not name in asked
	finding := {
		"address": definition,
		"field": ["containers", name, "health_check"],
		"key": data.gitops.lib.containers.more(definition, name, ["health"]),
		"msg": sprintf("nobody asks %s whether it works", [data.gitops.lib.containers.called(definition, name)]),
		"hint": "say a command that tells: `health = { command = [\"curl\", \"-f\", \"http://localhost:8080/health\"] }`",
	}
}
