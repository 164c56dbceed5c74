package gitops.health_grace_test

import rego.v1

import data.gitops.health_grace as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

behind := {"load_balancers": [{"target_group": "a"}]}

test_some_time_passes if {
	count(rule.deny) == 0 with input as stack(object.union(behind, {"health_check_grace_period_seconds": 60}))
}

test_none_is_told if {
	some finding in rule.deny with input as stack(object.union(behind, {"health_check_grace_period_seconds": 0}))
	finding.key == ["health", "grace"]
}

test_there_is_none_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack(behind)
}

test_nobody_asks_a_worker if {
	count(rule.deny) == 0 with input as stack({})
}
