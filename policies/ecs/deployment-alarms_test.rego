package gitops.deployment_alarms_test

import rego.v1

import data.gitops.deployment_alarms as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

test_an_alarm_passes if {
	count(rule.deny) == 0 with input as stack({"deployment": {"alarms": {"alarm_names": ["errors"]}}})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({"deployment": {}})
	finding.msg == "no alarm ends a deployment of `service.web`"
}

test_an_empty_list_is_none if {
	count(rule.deny) == 1 with input as stack({"deployment": {"alarms": {"alarm_names": []}}})
}

test_there_is_none_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({})
}
