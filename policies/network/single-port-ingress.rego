# METADATA
# title: Single ports in
# description: What lets TCP or UDP into a security group names one port.
# scope: package
# custom:
#   id: single-port-ingress
#   level: advisory
#   severity: medium
#   why: A range lets in whatever comes to listen within it later.
#   guard:
#     - SECURITY_GROUP_INGRESS_PORT_RANGE_RULE
package gitops.single_port_ingress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.ingress
	data.gitops.lib.groups.is_range(item.rule)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets in a range of ports: %s from %s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "write a rule for each port that is listened on",
	}
}
