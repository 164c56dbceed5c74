# METADATA
# title: Roles are passed by name
# description: A role that may pass roles names which, or to which service.
# scope: package
# custom:
#   id: pass-role-limited
#   level: hard
#   severity: critical
#   why: Who may pass any role can start something that acts as the most powerful one of the account.
#   checkov:
#     - CKV_AWS_286
#   trivy:
#     - AVD-AWS-0342
#   guard:
#     - IAM_ROLE_NO_WILDCARD_RESOURCE_ON_PASSROLE
#     - IAM_POLICY_NO_WILDCARD_RESOURCE_ON_PASSROLE
package gitops.pass_role_limited

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.permissions
	some action in item.statement.Action
	data.gitops.lib.statements.takes_in(action, "iam:PassRole")
	some resource in item.statement.Resource
	is_any_role(resource)
	not is_everything(action, resource)
	not data.gitops.lib.statements.asks_for(item.statement, "iam:PassedToService")
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may pass any role to any service: %s allows `%s` on `%s`", [
			data.gitops.lib.names.called(item.address),
			item.address,
			action,
			resource,
		]),
		"hint": "name the roles that are passed, and the service with the condition `iam:PassedToService`",
	}
}

is_any_role(resource) if data.gitops.lib.statements.is_any(resource)

# The last part of the ARN begins as that of every role does, and goes on as it likes.
is_any_role(resource) if regex.match(`:(r|ro|rol|role|role/)?[*?]*[*][*?]*$`, resource)

# The business of no-admin-statements.
is_everything(action, resource) if {
	data.gitops.lib.statements.is_any(action)
	data.gitops.lib.statements.is_any(resource)
}
