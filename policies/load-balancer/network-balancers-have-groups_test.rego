package gitops.network_balancers_have_groups_test

import rego.v1

import data.gitops.network_balancers_have_groups as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_one_with_a_group_passes if {
	count(rule.deny) == 0 with input as stack({"type": "network", "security_groups": ["sg-1"]})
}

test_one_without_is_told if {
	some finding in rule.deny with input as stack({"type": "network", "security_groups": []})
	contains(finding.msg, "`load_balancer.edge` has no security group")
	finding.field == ["security_groups"]
}

test_it_has_none_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({"type": "network"})
}

test_aws_makes_no_application_load_balancer_without if {
	count(rule.deny) == 0 with input as stack({"type": "application", "security_groups": []})
}
