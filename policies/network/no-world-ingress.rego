# METADATA
# title: No world ingress
# description: No security group lets everybody in, over IPv4 or IPv6, but that of a load balancer which says why with `public`, on the ports of its listeners. Ports of administration and of databases are never open to everybody.
# scope: package
# custom:
#   id: no-world-ingress
#   level: hard
#   severity: critical
#   why: Open ports are found within minutes, and whatever listens there is tried until it breaks.
#   fsbp:
#     - EC2.13
#     - EC2.14
#     - EC2.18
#     - EC2.19
#   checkov:
#     - CKV_AWS_24
#     - CKV_AWS_25
#     - CKV_AWS_260
#     - CKV_AWS_277
#   trivy:
#     - AVD-AWS-0107
#   guard:
#     - EC2_SECURITY_GROUP_INGRESS_OPEN_TO_WORLD_RULE
#     - INCOMING_SSH_DISABLED
package gitops.no_world_ingress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.ingress
	data.gitops.lib.groups.is_world(item.rule)
	not is_meant(item)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets everybody in: %s from %s%s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
			alarm(item.rule),
		]),
		"hint": "let a security group or a prefix list in instead; a load balancer that everybody may reach says `public = \"reason: …\"`",
	}
}

# The port of a listener, of a load balancer that everybody may reach.
is_meant(item) if {
	data.gitops.lib.groups.has_ports(item.rule)
	not data.gitops.lib.groups.is_range(item.rule)
	[item.group, item.rule.from_port] in meant
	count(sensitive(item.rule)) == 0
}

meant contains [group, listener.port] if {
	some listener in input.kinds["elb.listener"]
	listener.load_balancer in exempt
	some group in input.kinds["elb.load_balancer"][listener.load_balancer].security_groups
}

exempt contains lb.address if {
	some lb in input.facts.public
	lb.exempt
}

known := {
	"22": "SSH",
	"23": "Telnet",
	"445": "SMB",
	"1433": "SQL Server",
	"1521": "Oracle",
	"2049": "NFS",
	"3306": "MySQL",
	"3389": "RDP",
	"5432": "PostgreSQL",
	"6379": "Redis",
	"9200": "Elasticsearch",
	"11211": "memcached",
	"27017": "MongoDB",
}

sensitive(rule) := [name |
	some port
	name := known[port]
	data.gitops.lib.groups.covers(rule, to_number(port))
]

alarm(rule) := "" if count(sensitive(rule)) == 0

alarm(rule) := sprintf(" (critical: %s)", [concat(", ", sensitive(rule))]) if {
	count(sensitive(rule)) > 0
	count(sensitive(rule)) < 4
}

alarm(rule) := " (critical: SSH, RDP and databases among them)" if count(sensitive(rule)) >= 4
