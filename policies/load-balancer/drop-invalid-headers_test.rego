package gitops.drop_invalid_headers_test

import rego.v1

import data.gitops.drop_invalid_headers as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_dropped_headers_pass if {
	count(rule.deny) == 0 with input as stack({"application": {"drop_invalid_header_fields": true}})
}

test_those_that_are_let_through_are_told if {
	some finding in rule.deny with input as stack({"application": {"drop_invalid_header_fields": false}})
	finding.msg == "`load_balancer.edge` lets headers with invalid names through"
	finding.key == ["drop_invalid_header_fields"]
}

test_they_are_let_through_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({"application": {}})
}

test_a_network_load_balancer_reads_no_headers if {
	count(rule.deny) == 0 with input as stack({"network": {}})
}
