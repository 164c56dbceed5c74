# METADATA
# title: No common ports
# description: No security group lets anybody in to the ports of FTP, RDP and MySQL, from wherever.
# scope: package
# custom:
#   id: no-common-ports
#   level: off
#   severity: medium
#   why: These are the ports that are looked for once somebody is inside.
#   guard:
#     - RESTRICTED_INCOMING_TRAFFIC
package gitops.no_common_ports

import rego.v1

# Those of AWS's rule.
ports := {20, 21, 3306, 3389, 4333}

deny contains finding if {
	some item in data.gitops.lib.groups.ingress
	data.gitops.lib.groups.has_ports(item.rule)
	some port in ports
	data.gitops.lib.groups.covers(item.rule, port)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets in to port %d: %s from %s", [
			data.gitops.lib.names.called(item.address),
			port,
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "listen on another port, or switch this rule off again",
	}
}
