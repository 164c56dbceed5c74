# METADATA
# title: Task roles trust this account
# description: The role of tasks may be taken on by ECS for tasks of this account alone, by the conditions `aws:SourceAccount` or `aws:SourceArn`.
# scope: package
# custom:
#   id: task-roles-trust-this-account
#   level: soft
#   severity: medium
#   why: ECS serves everybody. The condition keeps it from taking on the role for a task of somebody else (the confused deputy).
package gitops.task_roles_trust_this_account

import rego.v1

deny contains finding if {
	some address in task_roles
	some statement in data.gitops.lib.statements.list(input.kinds["iam.role"][address].assume_role_policy.Statement)
	statement.Effect == "Allow"
	is_object(statement.Principal)
	"ecs-tasks.amazonaws.com" in data.gitops.lib.statements.list(statement.Principal.Service)
	not asks_for_source(statement)
	finding := {
		"address": address,
		"field": ["assume_role_policy"],
		"msg": sprintf("the role of the tasks of %s may be taken on by ECS for anybody's task: %s", [
			data.gitops.lib.names.called(address),
			address,
		]),
		"hint": "give the statement the conditions `aws:SourceAccount` and `aws:SourceArn`",
	}
}

task_roles contains definition.task_role if some definition in input.kinds["ecs.task_definition"]

asks_for_source(statement) if data.gitops.lib.statements.asks_for(statement, "aws:SourceAccount")

asks_for_source(statement) if data.gitops.lib.statements.asks_for(statement, "aws:SourceArn")
