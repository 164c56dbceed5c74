package gitops.connection_logs_test

import rego.v1

import data.gitops.connection_logs as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_a_bucket_passes if {
	count(rule.deny) == 0 with input as stack({"application": {"connection_logs": {"bucket": "logs"}}})
}

test_no_logs_are_told if {
	some finding in rule.deny with input as stack({"application": {}})
	finding.msg == "`load_balancer.edge` keeps no log of each connection"
}

test_the_hint_says_where_to_write_it if {
	some finding in rule.deny with input as stack({"application": {}})
	contains(finding.hint, "[load_balancer.edge.override.\"elb.load_balancer\"]")
}

test_a_stack_without_load_balancers_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
