package gitops.single_address_ingress_test

import rego.v1

import data.gitops.single_address_ingress as rule

stack(peer) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {"ingress": [{
	"protocol": "tcp",
	"from_port": 443,
	"to_port": 443,
	"peer": peer,
}]}}}}

test_an_address_passes if {
	count(rule.deny) == 0 with input as stack({"cidr_ipv4": "203.0.113.7/32"})
	count(rule.deny) == 0 with input as stack({"cidr_ipv6": "2001:db8::1/128"})
}

test_a_block_is_told if {
	some finding in rule.deny with input as stack({"cidr_ipv4": "10.0.0.0/16"})
	finding.msg == "`service.web` lets a block of addresses in: tcp 443 from 10.0.0.0/16"
}

test_a_block_of_ipv6_is_told if {
	count(rule.deny) == 1 with input as stack({"cidr_ipv6": "2001:db8::/64"})
}

test_groups_pass if {
	count(rule.deny) == 0 with input as stack({"group": "sg-1"})
}
