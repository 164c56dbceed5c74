# METADATA
# title: Shells where they work
# description: Services with ECS Exec have no container with a read-only root file system.
# scope: package
# custom:
#   id: exec-needs-writable
#   level: soft
#   severity: medium
#   why: What opens the shell writes to the file system of the container, and ECS Exec does not work without that.
package gitops.exec_needs_writable

import rego.v1

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-considerations
deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	service.enable_execute_command
	task := input.kinds["ecs.task_definition"][service.task_definition]
	names := sort([name |
		some name, container in task.containers
		container.readonly_root_filesystem
		not name in data.gitops.lib.containers.agents
	])
	count(names) > 0
	finding := {
		"address": service.task_definition,
		"field": ["containers", names[0], "readonly_root_filesystem"],
		"component": data.gitops.lib.names.component(address),
		"key": ["exec"],
		"msg": sprintf("nobody can open a shell in %s: its root file system is read-only", [
			data.gitops.lib.containers.called(service.task_definition, names[0]),
		]),
		"hint": "take `exec` away, or `read_only`",
	}
}
