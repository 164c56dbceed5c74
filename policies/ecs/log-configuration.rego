# METADATA
# title: Each container has logs
# description: The output of each container goes to a log.
# scope: package
# custom:
#   id: log-configuration
#   level: soft
#   severity: high
#   why: What a container without one says when it dies, nobody ever reads.
#   fsbp:
#     - ECS.9
package gitops.log_configuration

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not container.log_configuration
	finding := {
		"address": address,
		"field": ["containers", name],
		"key": data.gitops.lib.containers.key(address, name, []),
		"msg": sprintf("what %s writes to its output is lost", [data.gitops.lib.containers.called(address, name)]),
		"hint": "write it as `sidecar`, which has logs without saying so, or give it a `log_configuration`",
	}
}
