# METADATA
# title: A network interface for each task
# description: Tasks have a network interface of their own (awsvpc), not ports of the machine that they run on (bridge).
# scope: package
# custom:
#   id: no-bridge-network
#   level: soft
#   severity: medium
#   why: Behind a bridge all tasks of a machine share its security groups, and flow logs tell nothing of them.
package gitops.no_bridge_network

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	task.network_mode == "bridge"
	finding := {
		"address": address,
		"field": ["network_mode"],
		"msg": sprintf("the tasks of %s have no network interface of their own", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away: tasks have one then",
	}
}
