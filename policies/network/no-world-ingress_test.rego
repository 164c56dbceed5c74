package gitops.no_world_ingress_test

import rego.v1

import data.gitops.no_world_ingress as rule

edge := "load_balancer.edge/ec2.security_group"

tcp(port, peer) := {"protocol": "tcp", "from_port": port, "to_port": port, "peer": peer}

world := {"cidr_ipv4": "0.0.0.0/0"}

stack(ingress, public) := {
	"kinds": {
		"ec2.security_group": {edge: {"ingress": ingress}},
		"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": {"security_groups": [edge]}},
		"elb.listener": {
			"load_balancer.edge/elb.listener.443": {"load_balancer": "load_balancer.edge/elb.load_balancer", "port": 443},
			"load_balancer.edge/elb.listener.22": {"load_balancer": "load_balancer.edge/elb.load_balancer", "port": 22},
		},
	},
	"facts": {"public": public},
}

declared := [{"address": "load_balancer.edge/elb.load_balancer", "exempt": "customers reach it"}]

undeclared := [{"address": "load_balancer.edge/elb.load_balancer"}]

test_a_port_of_a_public_load_balancer_passes if {
	count(rule.deny) == 0 with input as stack([tcp(443, world), tcp(443, {"cidr_ipv6": "::/0"})], declared)
}

test_without_a_reason_it_is_refused if {
	some finding in rule.deny with input as stack([tcp(443, world)], undeclared)
	finding.msg == "`load_balancer.edge` lets everybody in: tcp 443 from 0.0.0.0/0"
	finding.address == "load_balancer.edge/ec2.security_group"
	finding.field == ["ingress"]
}

test_another_port_than_those_of_its_listeners_is_refused if {
	count(rule.deny) == 1 with input as stack([tcp(8443, world)], declared)
}

test_ssh_is_critical_and_never_meant if {
	some finding in rule.deny with input as stack([tcp(22, world)], declared)
	contains(finding.msg, "(critical: SSH)")
}

test_a_range_is_not_the_port_that_it_begins_with if {
	count(rule.deny) == 1 with input as stack([object.union(tcp(443, world), {"to_port": 444})], declared)
}

test_all_protocols_are_told_with_what_is_among_them if {
	some finding in rule.deny with input as stack([{"protocol": "all", "peer": {"cidr_ipv6": "::/0"}}], declared)
	contains(finding.msg, "all protocols from ::/0 (critical: SSH, RDP and databases among them)")
}

test_halves_of_the_internet_are_the_internet if {
	count(rule.deny) == 2 with input as stack([tcp(80, {"cidr_ipv4": "0.0.0.0/1"}), tcp(80, {"cidr_ipv4": "128.0.0.0/1"})], [])
}

test_groups_lists_and_networks_pass if {
	peers := [{"group": "sg-1"}, {"prefix_list": "pl-1"}, {"cidr_ipv4": "10.0.0.0/8"}, {"cidr_ipv6": "fd00::/8"}]
	count(rule.deny) == 0 with input as stack([tcp(22, peer) | some peer in peers], [])
}
