package gitops.minimum_healthy_test

import rego.v1

import data.gitops.minimum_healthy as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

behind := {"load_balancers": [{"target_group": "a"}]}

least(percent) := {"deployment": {"minimum_healthy_percent": percent}}

test_some_tasks_pass if {
	every percent in [1, 50, 100] {
		count(rule.deny) == 0 with input as stack(object.union(behind, least(percent)))
	}
}

test_none_is_told if {
	some finding in rule.deny with input as stack(object.union(behind, least(0)))
	finding.key == ["deploy", "minimum_percent"]
	finding.msg == "all tasks of `service.web` may be gone during a deployment"
}

test_nobody_misses_a_worker if {
	count(rule.deny) == 0 with input as stack(least(0))
}

test_all_keep_running_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack(behind)
}
