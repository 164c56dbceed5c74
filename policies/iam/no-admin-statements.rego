# METADATA
# title: No administrators
# description: No inline policy of a role allows all actions on all resources.
# scope: package
# custom:
#   id: no-admin-statements
#   level: hard
#   severity: critical
#   why: Whoever gets at a task gets at the account, and can make further ways in that stay when the task is gone.
#   fsbp:
#     - IAM.1
#   checkov:
#     - CKV_AWS_62
#     - CKV_AWS_63
#   trivy:
#     - AVD-AWS-0057
#   guard:
#     - IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS
#     - IAM_POLICY_NO_STATEMENTS_WITH_FULL_ACCESS
#     - IAM_MANAGEDPOLICY_NO_STATEMENTS_WITH_FULL_ACCESS
package gitops.no_admin_statements

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.permissions
	some action in item.statement.Action
	data.gitops.lib.statements.is_any(action)
	some resource in item.statement.Resource
	data.gitops.lib.statements.is_any(resource)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may do everything: %s allows `%s` on `%s`", [
			data.gitops.lib.names.called(item.address),
			item.address,
			action,
			resource,
		]),
		"hint": "allow the actions that are needed, on the resources that they are for",
	}
}
