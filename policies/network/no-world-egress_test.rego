package gitops.no_world_egress_test

import rego.v1

import data.gitops.no_world_egress as rule

stack(direction, peer) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {direction: [{
	"protocol": "tcp",
	"from_port": 443,
	"to_port": 443,
	"peer": peer,
}]}}}}

test_a_prefix_list_passes if {
	count(rule.deny) == 0 with input as stack("egress", {"prefix_list": "pl-1"})
}

test_everybody_is_told if {
	some finding in rule.deny with input as stack("egress", {"cidr_ipv4": "0.0.0.0/0"})
	finding.msg == "`service.web` lets out to everywhere: tcp 443 to 0.0.0.0/0"
}

test_ipv6_counts if {
	count(rule.deny) == 1 with input as stack("egress", {"cidr_ipv6": "::/0"})
}

test_the_way_in_is_not_its_business if {
	count(rule.deny) == 0 with input as stack("ingress", {"cidr_ipv4": "0.0.0.0/0"})
}
