package gitops.waf_fails_closed_test

import rego.v1

import data.gitops.waf_fails_closed as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_one_that_refuses_passes if {
	count(rule.deny) == 0 with input as stack({"application": {"waf_fail_open": false}})
}

test_one_that_opens_is_told if {
	some finding in rule.deny with input as stack({"application": {"waf_fail_open": true}})
	finding.field == ["application", "waf_fail_open"]
}

test_it_refuses_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack({"application": {}})
}

test_a_network_load_balancer_has_no_waf if {
	count(rule.deny) == 0 with input as stack({"network": {}})
}
