# METADATA
# title: No ingress of all protocols
# description: What lets something into a security group names a protocol.
# scope: package
# custom:
#   id: no-all-protocol-ingress
#   level: soft
#   severity: high
#   why: A rule for all protocols opens each port that is ever listened on, also those that nobody thought of.
#   guard:
#     - SECURITY_GROUP_INGRESS_ALL_PROTOCOLS_RULE
package gitops.no_all_protocol_ingress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.ingress
	item.rule.protocol == "all"
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets in all protocols from %s", [data.gitops.lib.names.called(item.address), data.gitops.lib.groups.peer(item.rule)]),
		"hint": "name the protocol and the port that is listened on",
	}
}
