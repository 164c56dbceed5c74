package gitops.desync_mitigation_test

import rego.v1

import data.gitops.desync_mitigation as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_the_other_modes_pass if {
	every mode in ["defensive", "strictest"] {
		count(rule.deny) == 0 with input as stack({"application": {"desync_mitigation_mode": mode}})
	}
}

test_only_watching_is_told if {
	some finding in rule.deny with input as stack({"application": {"desync_mitigation_mode": "monitor"}})
	finding.field == ["application", "desync_mitigation_mode"]
	contains(finding.msg, "`load_balancer.edge`")
}

test_defensive_is_what_aws_gives if {
	count(rule.deny) == 0 with input as stack({"application": {}})
}

test_a_network_load_balancer_reads_no_requests if {
	count(rule.deny) == 0 with input as stack({"network": {}})
}
