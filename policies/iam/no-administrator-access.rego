# METADATA
# title: No AdministratorAccess
# description: No role has AWS's managed policy AdministratorAccess.
# scope: package
# custom:
#   id: no-administrator-access
#   level: hard
#   severity: critical
#   why: Whoever gets at a task with such a role has the account.
#   checkov:
#     - CKV_AWS_274
#   guard:
#     - IAM_ROLE_ADMINISTRATOR_ACCESS_POLICY_RULE
package gitops.no_administrator_access

import rego.v1

deny contains finding if {
	some address, role in input.kinds["iam.role"]
	some arn in role.managed_policies
	contains(arn, ":iam::aws:")
	endswith(arn, "/AdministratorAccess")
	finding := {
		"address": address,
		"field": ["managed_policies"],
		"msg": sprintf("a role of %s is an administrator: %s has %s", [data.gitops.lib.names.called(address), address, arn]),
		"hint": "take the policy away, and allow the actions that are needed",
	}
}
