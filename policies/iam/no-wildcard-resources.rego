# METADATA
# title: No wildcard resources
# description: Inline policies name the resources that something is allowed on, but for actions that AWS lets nobody limit to resources.
# scope: package
# custom:
#   id: no-wildcard-resources
#   level: advisory
#   severity: medium
#   why: What is allowed on everything is allowed on what others put into the account too.
#   checkov:
#     - CKV_AWS_355
#   trivy:
#     - AVD-AWS-0057
#   guard:
#     - IAM_POLICYDOCUMENT_NO_WILDCARD_RESOURCE
package gitops.no_wildcard_resources

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.permissions
	some resource in item.statement.Resource
	data.gitops.lib.statements.is_any(resource)
	limitable := [action |
		some action in object.get(item.statement, "Action", [])
		not lower(action) in data.gitops.lib.statements.without_resources
	]
	is_limitable(item.statement, limitable)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s is allowed something on all resources: %s allows %s", [
			data.gitops.lib.names.called(item.address),
			item.address,
			what(limitable),
		]),
		"hint": "name the resources",
	}
}

is_limitable(_, limitable) if count(limitable) > 0

is_limitable(statement, _) if count(statement.NotAction) > 0

what(limitable) := concat(", ", sort(limitable)) if count(limitable) > 0

what([]) := "all but some actions"
