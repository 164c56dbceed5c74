# METADATA
# title: Roles have a boundary
# description: Each role has a permissions boundary.
# scope: package
# custom:
#   id: roles-have-boundary
#   level: off
#   severity: low
#   why: Where several teams make roles in one account, a boundary keeps what one of them allows within what all may.
package gitops.roles_have_boundary

import rego.v1

deny contains finding if {
	some address, role in input.kinds["iam.role"]
	not role.permissions_boundary
	finding := {
		"address": address,
		"field": ["permissions_boundary"],
		"msg": sprintf("a role of %s has no permissions boundary: %s", [data.gitops.lib.names.called(address), address]),
		"hint": "name the policy that bounds it with `permissions_boundary`",
	}
}
