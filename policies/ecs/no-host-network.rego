# METADATA
# title: No network of the host
# description: Tasks have a network interface of their own (awsvpc), not the network of the instance that they run on.
# scope: package
# custom:
#   id: no-host-network
#   level: hard
#   severity: critical
#   why: In the network of the host a container reaches the credentials of the instance and the ports of all other tasks, and no security group is between them. On Fargate such a task does not start.
#   fsbp:
#     - ECS.17
package gitops.no_host_network

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	task.network_mode == "host"
	finding := {
		"address": address,
		"field": ["network_mode"],
		"msg": sprintf("the tasks of %s use the network of the machine that they run on", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away: tasks have a network interface of their own then",
	}
}
