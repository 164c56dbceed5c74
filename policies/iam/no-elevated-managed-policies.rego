# METADATA
# title: No elevated managed policies
# description: No role has one of AWS's managed policies from which there is a short way to all rights, PowerUserAccess and IAMFullAccess.
# scope: package
# custom:
#   id: no-elevated-managed-policies
#   level: soft
#   severity: high
#   why: Who may change policies may give itself all others.
#   guard:
#     - IAM_ROLE_ELEVATED_MANAGED_POLICY_RULE
package gitops.no_elevated_managed_policies

import rego.v1

elevated := {"PowerUserAccess", "IAMFullAccess"}

deny contains finding if {
	some address, role in input.kinds["iam.role"]
	some arn in role.managed_policies
	contains(arn, ":iam::aws:")
	some name in elevated
	endswith(arn, sprintf("/%s", [name]))
	finding := {
		"address": address,
		"field": ["managed_policies"],
		"msg": sprintf("a role of %s has the managed policy %s: %s", [data.gitops.lib.names.called(address), name, address]),
		"hint": "take the policy away, and allow the actions that are needed",
	}
}
