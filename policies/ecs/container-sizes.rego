# METADATA
# title: Containers fit into their task
# description: What is kept for containers (CPU, memory) is no more than the task has, and what a container may take is no less than what is kept for it.
# scope: package
# custom:
#   id: container-sizes
#   level: hard
#   severity: high
#   why: ECS refuses such a task definition, after the merge.
package gitops.container_sizes

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	container.memory > task.memory
	finding := {
		"address": address,
		"field": ["containers", name, "memory"],
		"key": data.gitops.lib.containers.more(address, name, ["memory"]),
		"msg": sprintf("%s may take %d MiB, and its task has %d", [
			data.gitops.lib.containers.called(address, name),
			container.memory,
			task.memory,
		]),
		"hint": "give the task more `memory`, or the container less",
	}
}

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	container.memory_reservation > container.memory
	finding := {
		"address": address,
		"field": ["containers", name, "memory_reservation"],
		"key": data.gitops.lib.containers.more(address, name, ["memory_reservation"]),
		"msg": sprintf("%d MiB are kept for %s, which is killed above %d", [
			container.memory_reservation,
			data.gitops.lib.containers.called(address, name),
			container.memory,
		]),
		"hint": "say more `memory`, or less `memory_reservation`",
	}
}

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	kept := sum([object.get(container, "cpu", 0) | some container in task.containers])
	kept > task.cpu
	finding := {
		"address": address,
		"field": ["cpu"],
		"key": ["cpu"],
		"msg": sprintf("%d CPU units are kept for the containers of %s, and its task has %d", [
			kept,
			data.gitops.lib.names.called(address),
			task.cpu,
		]),
		"hint": "give the task more `cpu`, or its containers less",
	}
}

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	kept := sum([container.memory_reservation | some container in task.containers])
	kept > task.memory
	finding := {
		"address": address,
		"field": ["memory"],
		"key": ["memory"],
		"msg": sprintf("%d MiB are kept for the containers of %s, and its task has %d", [
			kept,
			data.gitops.lib.names.called(address),
			task.memory,
		]),
		"hint": "give the task more `memory`, or its containers less `memory_reservation`",
	}
}
