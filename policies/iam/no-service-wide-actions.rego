# METADATA
# title: No service-wide actions
# description: No inline policy of a role allows all actions of a service on all resources.
# scope: package
# custom:
#   id: no-service-wide-actions
#   level: soft
#   severity: high
#   why: All of a service is its administration too. A task that writes objects has no business with the policies of buckets.
#   fsbp:
#     - IAM.21
#   trivy:
#     - AVD-AWS-0057
#   guard:
#     - IAM_POLICY_NO_STATEMENTS_WITH_FULL_ACCESS
#     - IAM_MANAGEDPOLICY_NO_STATEMENTS_WITH_FULL_ACCESS
#     - IAM_ROLE_NO_WILDCARD_ACTIONS_ON_PERMISSIONS
package gitops.no_service_wide_actions

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.permissions
	some action in item.statement.Action
	is_service_wide(action)
	some resource in item.statement.Resource
	data.gitops.lib.statements.is_any(resource)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may do all of a service: %s allows `%s` on `%s`", [
			data.gitops.lib.names.called(item.address),
			item.address,
			action,
			resource,
		]),
		"hint": "allow the actions that are needed, or name the resources",
	}
}

# `s3:*`; all of all services is the business of no-admin-statements.
is_service_wide(action) if {
	regex.match(`:[*?]*[*][*?]*$`, action)
	not data.gitops.lib.statements.is_any(action)
}
