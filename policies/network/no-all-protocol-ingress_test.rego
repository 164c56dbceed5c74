package gitops.no_all_protocol_ingress_test

import rego.v1

import data.gitops.no_all_protocol_ingress as rule

stack(direction, entry) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {direction: [entry]}}}}

test_a_protocol_passes if {
	count(rule.deny) == 0 with input as stack("ingress", {"protocol": "tcp", "from_port": 0, "to_port": 65535, "peer": {"group": "sg-1"}})
}

test_all_protocols_are_told_from_whom if {
	some finding in rule.deny with input as stack("ingress", {"protocol": "all", "peer": {"group": "sg-1"}})
	finding.msg == "`service.web` lets in all protocols from sg-1"
}

test_what_is_let_out_is_not_its_business if {
	count(rule.deny) == 0 with input as stack("egress", {"protocol": "all", "peer": {"group": "sg-1"}})
}

test_a_rule_beside_the_group_counts if {
	spec := {"direction": "ingress", "security_group": "sg-2", "rule": {"protocol": "all", "peer": {"cidr_ipv4": "10.0.0.0/8"}}}
	some finding in rule.deny with input as {"kinds": {"ec2.security_group_rule": {"service.web/ec2.security_group_rule.a": spec}}}
	finding.field == ["rule"]
}
