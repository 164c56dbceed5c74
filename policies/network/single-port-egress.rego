# METADATA
# title: Single ports out
# description: What lets TCP or UDP out of a security group names one port.
# scope: package
# custom:
#   id: single-port-egress
#   level: advisory
#   severity: low
#   why: A range lets out more than the one service at the other end that it was written for.
#   guard:
#     - SECURITY_GROUP_EGRESS_PORT_RANGE_RULE
package gitops.single_port_egress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.egress
	data.gitops.lib.groups.is_range(item.rule)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets out to a range of ports: %s to %s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "write a rule for each port that is connected to",
	}
}
