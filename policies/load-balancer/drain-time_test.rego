package gitops.drain_time_test

import rego.v1

import data.gitops.drain_time as rule

stack(more) := {"kinds": {"elb.target_group": {"service.web/elb.target_group.edge.http": more}}}

delay(seconds) := stack({"deregistration_delay_timeout_seconds": seconds})

test_some_time_passes if {
	every seconds in [5, 60, 300, 600] {
		count(rule.deny) == 0 with input as delay(seconds)
	}
}

test_none_is_told if {
	some finding in rule.deny with input as delay(0)
	contains(finding.msg, "0 seconds to finish their requests: what is under way is cut off")
	finding.key == ["deploy", "drain"]
}

test_an_hour_is_told if {
	some finding in rule.deny with input as delay(3600)
	contains(finding.msg, "a deployment can take as long")
}

test_what_aws_takes_passes if {
	count(rule.deny) == 0 with input as stack({})
}
