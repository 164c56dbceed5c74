# METADATA
# title: Roles are passed to a service
# description: A role that may pass roles says to which service, with `iam:PassedToService`.
# scope: package
# custom:
#   id: pass-role-to-services
#   level: advisory
#   severity: medium
#   why: A role that trusts several services can be passed to another one than was meant.
package gitops.pass_role_to_services

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.permissions
	some action in item.statement.Action
	data.gitops.lib.statements.takes_in(action, "iam:PassRole")
	not data.gitops.lib.statements.asks_for(item.statement, "iam:PassedToService")
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s may pass roles to any service that they trust: %s allows `%s`", [
			data.gitops.lib.names.called(item.address),
			item.address,
			action,
		]),
		"hint": "name the service with the condition `iam:PassedToService`",
	}
}
