# METADATA
# title: No egress of all protocols
# description: What lets something out of a security group names a protocol. A rule to the loopback address, by which AWS's own rule was pushed out, lets nothing out.
# scope: package
# custom:
#   id: no-all-protocol-egress
#   level: advisory
#   severity: medium
#   why: A rule for all protocols lets out what nobody knows of, tunnels among it.
#   guard:
#     - SECURITY_GROUP_EGRESS_ALL_PROTOCOLS_RULE
package gitops.no_all_protocol_egress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.egress
	item.rule.protocol == "all"
	not data.gitops.lib.groups.peer(item.rule) in {"127.0.0.1/32", "::1/128"}
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets out all protocols to %s", [data.gitops.lib.names.called(item.address), data.gitops.lib.groups.peer(item.rule)]),
		"hint": "name the protocol and the port that is connected to",
	}
}
