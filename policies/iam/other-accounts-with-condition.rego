# METADATA
# title: Other accounts with a condition
# description: A role that another account may take on asks it for something, such as an external id.
# scope: package
# custom:
#   id: other-accounts-with-condition
#   level: soft
#   severity: medium
#   why: Without an external id, whoever serves several customers from that account can be made to act for the wrong one.
#   checkov:
#     - CKV_AWS_61
package gitops.other_accounts_with_condition

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.strangers
	is_object(item.statement.Principal)
	some principal in data.gitops.lib.statements.list(item.statement.Principal.AWS)
	other := account(principal)
	other != input.stack.account
	not data.gitops.lib.statements.has_condition(item.statement)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may be taken on from the account %s without a condition: %s", [
			data.gitops.lib.names.called(item.address),
			other,
			item.address,
		]),
		"hint": "ask for an external id with the condition `sts:ExternalId`, or for an organisation with `aws:PrincipalOrgID`",
	}
}

# `123456789012` or an ARN; everybody has none.
account(principal) := principal if regex.match(`^[0-9]{12}$`, principal)

account(principal) := split(principal, ":")[4] if startswith(principal, "arn:")
