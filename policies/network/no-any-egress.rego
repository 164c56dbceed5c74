# METADATA
# title: No egress of everything to everywhere
# description: No security group lets out all protocols, or all ports of one, to everybody. AWS gives each new group such a rule; the agent takes it away.
# scope: package
# custom:
#   id: no-any-egress
#   level: soft
#   severity: medium
#   why: What is broken into is used to fetch more and to send data away. With nothing but the ways that a task needs it gets nowhere.
#   checkov:
#     - CKV_AWS_382
#   guard:
#     - SECURITY_GROUP_MISSING_EGRESS_RULE
package gitops.no_any_egress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.egress
	data.gitops.lib.groups.is_world(item.rule)
	is_everything(item.rule)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets everything out to everywhere: %s to %s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "let out what is needed, by port and by group or prefix list",
	}
}

is_everything(rule) if rule.protocol == "all"

is_everything(rule) if {
	data.gitops.lib.groups.has_ports(rule)
	rule.from_port <= 1
	rule.to_port == 65535
}
