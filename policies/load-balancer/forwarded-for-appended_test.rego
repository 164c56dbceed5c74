package gitops.forwarded_for_appended_test

import rego.v1

import data.gitops.forwarded_for_appended as rule

stack(mode) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": {"application": {"xff_header_processing": mode}}}}}

test_appending_passes if {
	count(rule.deny) == 0 with input as stack("append")
}

test_what_clients_say_is_told if {
	some finding in rule.deny with input as stack("preserve")
	finding.msg == "`load_balancer.edge` lets clients say in `X-Forwarded-For` who they are"
	finding.field == ["application", "xff_header_processing"]
}

test_so_is_what_is_taken_away if {
	some finding in rule.deny with input as stack("remove")
	contains(finding.msg, "takes `X-Forwarded-For` away")
}

test_appending_is_what_aws_does if {
	count(rule.deny) == 0 with input as {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": {"application": {}}}}}
}
