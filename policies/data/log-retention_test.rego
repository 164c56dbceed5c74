package gitops.log_retention_test

import rego.v1

import data.gitops.log_retention as rule

stack(more) := {"kinds": {"logs.log_group": {"service.web/logs.log_group": more}}}

test_a_week_and_more_pass if {
	every days in [7, 30, 365, 3653] {
		count(rule.deny) == 0 with input as stack({"retention_in_days": days})
	}
}

test_a_day_is_told if {
	some finding in rule.deny with input as stack({"retention_in_days": 1})
	finding.msg == "the logs of `service.web` are kept for 1 days only"
	finding.key == ["logs", "days"]
}

test_what_cloudwatch_does_not_have_is_told if {
	some finding in rule.deny with input as stack({"retention_in_days": 8675309})
	contains(finding.msg, "for 8675309 days, which CloudWatch does not have")
}

test_for_ever_is_told if {
	some finding in rule.deny with input as stack({"name": "/a"})
	finding.msg == "the logs of `service.web` are kept for ever"
}

test_a_stack_without_logs_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
