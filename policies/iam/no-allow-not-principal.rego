# METADATA
# title: No trust by exclusion
# description: No role may be taken on by everybody but some.
# scope: package
# custom:
#   id: no-allow-not-principal
#   level: hard
#   severity: critical
#   why: Everybody but some is all accounts of AWS but some, whoever they belong to.
#   guard:
#     - IAM_ROLE_NO_ALLOW_PLUS_NOT_PRINCIPAL
package gitops.no_allow_not_principal

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.strangers
	item.statement.NotPrincipal
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may be taken on by everybody but some: %s has `NotPrincipal`", [
			data.gitops.lib.names.called(item.address),
			item.address,
		]),
		"hint": "name who may take it on with `Principal`",
	}
}
