# METADATA
# title: Trust names somebody
# description: A role says who may take it on. Everybody, or all users of an identity provider, only with a condition.
# scope: package
# custom:
#   id: trust-names-somebody
#   level: hard
#   severity: critical
#   why: A role that everybody may take on is public, with all that it may do.
#   checkov:
#     - CKV_AWS_60
package gitops.trust_names_somebody

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.strangers
	who := everybody(item.statement.Principal)
	not data.gitops.lib.statements.has_condition(item.statement)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may be taken on by %s: %s", [
			data.gitops.lib.names.called(item.address),
			who,
			item.address,
		]),
		"hint": "name who may take it on, or give the statement a condition",
	}
}

everybody(principal) := "everybody" if principal == "*"

everybody(principal) := "everybody" if {
	is_object(principal)
	some party in ["AWS", "Service", "CanonicalUser"]
	"*" in data.gitops.lib.statements.list(principal[party])
}

# Without a condition on the subject, all users of GitHub may take on a role that trusts GitHub.
everybody(principal) := sprintf("all that %s knows", [concat(", ", data.gitops.lib.statements.list(principal.Federated))]) if {
	is_object(principal)
	count(data.gitops.lib.statements.list(principal.Federated)) > 0
	not "*" in data.gitops.lib.statements.list(object.get(principal, "AWS", []))
}
