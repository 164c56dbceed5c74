# METADATA
# title: No inline policies
# description: Roles have managed policies alone.
# scope: package
# custom:
#   id: no-inline-policies
#   level: off
#   severity: low
#   why: Managed policies can be read and changed in one place. The agent writes inline ones, because they go with their role and are its alone.
#   guard:
#     - IAM_NO_INLINE_POLICY_CHECK
package gitops.no_inline_policies

import rego.v1

deny contains finding if {
	some address, role in input.kinds["iam.role"]
	count(role.inline_policies) > 0
	finding := {
		"address": address,
		"field": ["inline_policies"],
		"msg": sprintf("a role of %s has inline policies: %s has %s", [
			data.gitops.lib.names.called(address),
			address,
			concat(", ", sort(object.keys(role.inline_policies))),
		]),
		"hint": "attach managed policies, or switch this rule off again",
	}
}
