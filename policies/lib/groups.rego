# Rules of security groups: those in a group, and those that stand by themselves.
package gitops.lib.groups

import rego.v1

# Each with `address` and `field` (where it is written), `group` (whose it is) and `rule`.
ingress := array.concat(inner("ingress"), outer("ingress"))

egress := array.concat(inner("egress"), outer("egress"))

inner(direction) := [{"address": address, "field": [direction], "group": address, "rule": rule} |
	some address, group in input.kinds["ec2.security_group"]
	some rule in group[direction]
]

outer(direction) := [{"address": address, "field": ["rule"], "group": spec.security_group, "rule": spec.rule} |
	some address, spec in input.kinds["ec2.security_group_rule"]
	spec.direction == direction
]

# Whether the other end is everybody. Two halves of the internet are the internet too: blocks wider than any that somebody has.
is_world(rule) if prefix(rule.peer.cidr_ipv4) < 8

is_world(rule) if {
	prefix(rule.peer.cidr_ipv6) < 16

	# Private (fc00::/7), link-local and multicast addresses.
	not startswith(lower(rule.peer.cidr_ipv6), "f")
}

prefix(cidr) := to_number(split(cidr, "/")[1])

has_ports(rule) if rule.protocol == "tcp"

has_ports(rule) if rule.protocol == "udp"

# Whether it is about that port, among others perhaps.
covers(rule, _) if rule.protocol == "all"

covers(rule, port) if {
	has_ports(rule)
	rule.from_port <= port
	rule.to_port >= port
}

# More than one port. Types and codes of ICMP are none.
is_range(rule) if {
	has_ports(rule)
	rule.from_port != rule.to_port
}

# What it lets through: `all protocols`, `tcp 443`, `tcp 8000-8999`, `icmp`.
what(rule) := "all protocols" if rule.protocol == "all"

what(rule) := sprintf("%s %d", [rule.protocol, rule.from_port]) if {
	has_ports(rule)
	not is_range(rule)
}

what(rule) := sprintf("%s %d-%d", [rule.protocol, rule.from_port, rule.to_port]) if is_range(rule)

what(rule) := sprintf("protocol %s", [rule.protocol]) if {
	not rule.protocol == "all"
	not has_ports(rule)
}

# The other end, as it is written.
peer(rule) := concat("", [value | some value in rule.peer])
