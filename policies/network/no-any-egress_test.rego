package gitops.no_any_egress_test

import rego.v1

import data.gitops.no_any_egress as rule

stack(entry) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {"egress": [entry]}}}}

test_https_to_everywhere_passes if {
	count(rule.deny) == 0 with input as stack({"protocol": "tcp", "from_port": 443, "to_port": 443, "peer": {"cidr_ipv4": "0.0.0.0/0"}})
}

test_everything_to_a_group_passes if {
	count(rule.deny) == 0 with input as stack({"protocol": "all", "peer": {"group": "sg-1"}})
}

test_everything_to_everywhere_is_told if {
	some finding in rule.deny with input as stack({"protocol": "all", "peer": {"cidr_ipv6": "::/0"}})
	finding.msg == "`service.web` lets everything out to everywhere: all protocols to ::/0"
	finding.field == ["egress"]
}

test_all_ports_are_everything if {
	count(rule.deny) == 1 with input as stack({"protocol": "tcp", "from_port": 0, "to_port": 65535, "peer": {"cidr_ipv4": "0.0.0.0/0"}})
}
