package gitops.short_sessions_test

import rego.v1

import data.gitops.short_sessions as rule

stack(spec) := {"kinds": {"iam.role": {"service.web/iam.role.task": spec}}}

test_an_hour_passes if {
	count(rule.deny) == 0 with input as stack({"max_session_duration": 3600})
}

test_left_out_is_an_hour if {
	count(rule.deny) == 0 with input as stack({})
}

test_more_is_told if {
	some finding in rule.deny with input as stack({"max_session_duration": 43200})
	finding.msg == "a role of `service.web` may be taken on for 43200 seconds: service.web/iam.role.task"
}

test_no_role_is_no_finding if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
