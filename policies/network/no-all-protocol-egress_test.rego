package gitops.no_all_protocol_egress_test

import rego.v1

import data.gitops.no_all_protocol_egress as rule

stack(entry) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {"egress": [entry]}}}}

test_a_protocol_passes if {
	count(rule.deny) == 0 with input as stack({"protocol": "tcp", "from_port": 0, "to_port": 65535, "peer": {"cidr_ipv4": "0.0.0.0/0"}})
}

test_all_protocols_are_told_to_whom if {
	some finding in rule.deny with input as stack({"protocol": "all", "peer": {"cidr_ipv4": "10.0.0.0/16"}})
	finding.msg == "`service.web` lets out all protocols to 10.0.0.0/16"
}

test_the_loopback_address_is_nowhere if {
	count(rule.deny) == 0 with input as stack({"protocol": "all", "peer": {"cidr_ipv4": "127.0.0.1/32"}})
	count(rule.deny) == 0 with input as stack({"protocol": "all", "peer": {"cidr_ipv6": "::1/128"}})
}

test_nothing_at_all_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
