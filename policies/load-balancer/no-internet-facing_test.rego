package gitops.no_internet_facing_test

import rego.v1

import data.gitops.no_internet_facing as rule

stack(scheme) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": {"scheme": scheme}}}}

test_an_internal_one_passes if {
	count(rule.deny) == 0 with input as stack("internal")
}

test_one_that_faces_the_internet_is_told if {
	some finding in rule.deny with input as stack("internet-facing")
	finding.msg == "`load_balancer.edge` faces the internet"
}

test_the_key_that_decides_is_told if {
	some finding in rule.deny with input as stack("internet-facing")
	finding.key == ["scheme"]
}

test_a_stack_without_load_balancers_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
