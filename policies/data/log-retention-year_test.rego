package gitops.log_retention_year_test

import rego.v1

import data.gitops.log_retention_year as rule

stack(more) := {"kinds": {"logs.log_group": {"service.web/logs.log_group": more}}}

test_a_year_passes if {
	count(rule.deny) == 0 with input as stack({"retention_in_days": 365})
}

test_less_is_told if {
	some finding in rule.deny with input as stack({"retention_in_days": 180})
	finding.msg == "the logs of `service.web` are kept for 180 days"
	finding.key == ["logs", "days"]
}

test_more_passes if {
	count(rule.deny) == 0 with input as stack({"retention_in_days": 400})
}

test_for_ever_is_a_year_too if {
	count(rule.deny) == 0 with input as stack({"name": "/a"})
}
