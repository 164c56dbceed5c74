package gitops.single_port_ingress_test

import rego.v1

import data.gitops.single_port_ingress as rule

stack(entry) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {"ingress": [entry]}}}}

test_a_port_passes if {
	count(rule.deny) == 0 with input as stack({"protocol": "tcp", "from_port": 80, "to_port": 80, "peer": {"group": "sg-1"}})
}

test_a_range_is_told if {
	some finding in rule.deny with input as stack({"protocol": "udp", "from_port": 80, "to_port": 90, "peer": {"group": "sg-1"}})
	finding.msg == "`service.web` lets in a range of ports: udp 80-90 from sg-1"
}

test_types_of_icmp_are_no_ports if {
	count(rule.deny) == 0 with input as stack({"protocol": "icmp", "from_port": 8, "to_port": -1, "peer": {"group": "sg-1"}})
}

test_all_protocols_have_no_ports if {
	count(rule.deny) == 0 with input as stack({"protocol": "all", "peer": {"group": "sg-1"}})
}
