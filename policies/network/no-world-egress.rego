# METADATA
# title: No world egress
# description: No security group lets anything out to everybody, on whatever port.
# scope: package
# custom:
#   id: no-world-egress
#   level: off
#   severity: low
#   why: HTTPS to everywhere is a way out for data too. Services that reach all they need over endpoints do without.
#   trivy:
#     - AVD-AWS-0104
#   guard:
#     - EC2_SECURITY_GROUP_EGRESS_OPEN_TO_WORLD_RULE
package gitops.no_world_egress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.egress
	data.gitops.lib.groups.is_world(item.rule)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets out to everywhere: %s to %s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "let out to groups and prefix lists, and reach AWS over endpoints",
	}
}
