# METADATA
# title: No further capabilities
# description: No container gets capabilities of the kernel beyond those of Docker, but for SYS_PTRACE.
# scope: package
# custom:
#   id: no-added-capabilities
#   level: soft
#   severity: high
#   why: Most of them lead out of the container. Fargate takes SYS_PTRACE alone, and a task with another one does not start there.
package gitops.no_added_capabilities

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	added := container.linux_parameters.capabilities.add
	count(added) > 0
	more := sort([capability | some capability in added; capability != "SYS_PTRACE"])
	count(more) > 0
	finding := {
		"address": address,
		"field": ["containers", name, "linux_parameters", "capabilities", "add"],
		"msg": sprintf("%s has capabilities that lead out of its container: %s", [
			data.gitops.lib.containers.called(address, name),
			concat(", ", more),
		]),
		"hint": "take them away",
	}
}
