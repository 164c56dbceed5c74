# METADATA
# title: No permission by exclusion of actions
# description: No statement of a role allows everything but some actions.
# scope: package
# custom:
#   id: no-allow-not-action
#   level: soft
#   severity: high
#   why: What AWS adds is allowed the day it is there, IAM itself unless it is named.
#   guard:
#     - IAM_ROLE_OR_POLICY_NO_ALLOW_PLUS_NOT_ACTION
#     - IAM_ROLE_NO_ALLOW_PLUS_NOT_ACTION_ON_TRUST_POLICY
package gitops.no_allow_not_action

import rego.v1

deny contains finding if {
	some list in [data.gitops.lib.statements.permissions, data.gitops.lib.statements.strangers]
	some item in list
	count(item.statement.NotAction) > 0
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s allows everything but some actions: %s, `NotAction` %s", [
			data.gitops.lib.names.called(item.address),
			item.address,
			concat(", ", item.statement.NotAction),
		]),
		"hint": "allow what is needed with `Action`, or deny the rest",
	}
}
