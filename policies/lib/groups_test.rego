package gitops.lib.groups_test

import rego.v1

tcp(from, to, peer) := {"protocol": "tcp", "from_port": from, "to_port": to, "peer": peer}

everything(peer) := {"protocol": "all", "peer": peer}

doc := {"kinds": {
	"ec2.security_group": {"service.web/ec2.security_group": {"ingress": [tcp(80, 80, {"group": "sg-1"})], "egress": []}},
	"ec2.security_group_rule": {"service.web/ec2.security_group_rule.in": {
		"direction": "ingress",
		"security_group": "sg-2",
		"rule": tcp(81, 81, {"group": "sg-1"}),
	}},
}}

test_rules_are_found_in_groups_and_beside_them if {
	found := {[item.group, item.rule.from_port] | some item in data.gitops.lib.groups.ingress} with input as doc
	found == {["service.web/ec2.security_group", 80], ["sg-2", 81]}
	count(data.gitops.lib.groups.egress) == 0 with input as doc
}

test_nothing_has_no_rules if count(data.gitops.lib.groups.ingress) == 0 with input as {"kinds": {}}

test_the_world_in_one_piece_or_in_halves if {
	every cidr in ["0.0.0.0/0", "128.0.0.0/1", "16.0.0.0/4"] {
		data.gitops.lib.groups.is_world({"peer": {"cidr_ipv4": cidr}})
	}
	every cidr in ["::/0", "2000::/3"] {
		data.gitops.lib.groups.is_world({"peer": {"cidr_ipv6": cidr}})
	}
}

test_private_blocks_groups_and_lists_are_not_the_world if {
	every peer in [{"cidr_ipv4": "10.0.0.0/8"}, {"cidr_ipv6": "fc00::/7"}, {"cidr_ipv6": "2001:db8::/32"}, {"group": "sg-1"}, {"prefix_list": "pl-1"}] {
		not data.gitops.lib.groups.is_world({"peer": peer})
	}
}

test_ports_are_covered_by_ranges_and_by_all_protocols if {
	data.gitops.lib.groups.covers(tcp(20, 25, {}), 22)
	data.gitops.lib.groups.covers(everything({}), 22)
	not data.gitops.lib.groups.covers(tcp(23, 25, {}), 22)
	not data.gitops.lib.groups.covers({"protocol": "icmp", "from_port": -1, "to_port": -1}, 22)
}

test_what_is_let_through_has_words if {
	data.gitops.lib.groups.what(everything({})) == "all protocols"
	data.gitops.lib.groups.what(tcp(443, 443, {})) == "tcp 443"
	data.gitops.lib.groups.what(tcp(1, 2, {})) == "tcp 1-2"
	data.gitops.lib.groups.what({"protocol": "icmp", "from_port": 8, "to_port": -1}) == "protocol icmp"
	data.gitops.lib.groups.peer(everything({"cidr_ipv4": "0.0.0.0/0"})) == "0.0.0.0/0"
}
