# METADATA
# title: No permission by exclusion of resources
# description: No statement of a role allows something on everything but some resources.
# scope: package
# custom:
#   id: no-allow-not-resource
#   level: soft
#   severity: high
#   why: What is made tomorrow is allowed today.
#   guard:
#     - IAM_ROLE_OR_POLICY_NO_ALLOW_PLUS_NOT_RESOURCE
package gitops.no_allow_not_resource

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.statements.permissions
	count(item.statement.NotResource) > 0
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a role of %s is allowed something on everything but some resources: %s, `NotResource` %s", [
			data.gitops.lib.names.called(item.address),
			item.address,
			concat(", ", item.statement.NotResource),
		]),
		"hint": "name the resources with `Resource`, or deny the rest",
	}
}
