package gitops.no_common_ports_test

import rego.v1

import data.gitops.no_common_ports as rule

stack(protocol, from, to) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {"ingress": [{
	"protocol": protocol,
	"from_port": from,
	"to_port": to,
	"peer": {"group": "sg-1"},
}]}}}}

test_other_ports_pass if {
	count(rule.deny) == 0 with input as stack("tcp", 22, 22)
}

test_a_common_port_is_told if {
	some finding in rule.deny with input as stack("tcp", 3306, 3306)
	finding.msg == "`service.web` lets in to port 3306: tcp 3306 from sg-1"
}

test_a_range_has_each_port_in_it if {
	count(rule.deny) == 2 with input as stack("tcp", 20, 22)
}

test_icmp_has_no_ports if {
	count(rule.deny) == 0 with input as stack("icmp", -1, -1)
}
