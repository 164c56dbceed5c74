# METADATA
# title: Two roles for a task
# description: The role with which ECS starts tasks is not the one that the containers act as.
# scope: package
# custom:
#   id: separate-roles
#   level: soft
#   severity: medium
#   why: With one role, whoever breaks into a container may pull all images and read all secrets that ECS may.
#   checkov:
#     - CKV_AWS_249
package gitops.separate_roles

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	task.execution_role == task.task_role
	finding := {
		"address": address,
		"field": ["task_role"],
		"msg": sprintf("the containers of %s act as the role with which ECS starts them", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away: the component makes a role for each",
	}
}
