package gitops.deletion_protection_test

import rego.v1

import data.gitops.deletion_protection as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_protection_passes if {
	count(rule.deny) == 0 with input as stack({"deletion_protection": true})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({"deletion_protection": false})
	contains(finding.msg, "`load_balancer.edge`")
	finding.key == ["deletion_protection"]
}

test_none_is_what_aws_gives if {
	count(rule.deny) == 1 with input as stack({})
}

test_a_stack_without_load_balancers_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
