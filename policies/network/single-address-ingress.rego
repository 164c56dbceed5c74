# METADATA
# title: Single addresses in
# description: A block of addresses that a security group lets in is one address. All else comes by group or by prefix list.
# scope: package
# custom:
#   id: single-address-ingress
#   level: off
#   severity: low
#   why: A block lets in whatever gets an address within it later; a group says who it is.
#   guard:
#     - SECURITY_GROUP_INGRESS_CIDR_NON_32_RULE
package gitops.single_address_ingress

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.ingress
	is_block(item.rule)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s lets a block of addresses in: %s from %s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "let in a group, a prefix list or single addresses",
	}
}

is_block(rule) if data.gitops.lib.groups.prefix(rule.peer.cidr_ipv4) < 32

is_block(rule) if data.gitops.lib.groups.prefix(rule.peer.cidr_ipv6) < 128
