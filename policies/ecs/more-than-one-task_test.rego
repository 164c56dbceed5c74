package gitops.more_than_one_task_test

import rego.v1

import data.gitops.more_than_one_task as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

behind := {"load_balancers": [{"target_group": "a"}]}

test_two_tasks_pass if {
	count(rule.deny) == 0 with input as stack(object.union(behind, {"desired_count": 2}))
}

test_one_is_told if {
	some finding in rule.deny with input as stack(object.union(behind, {"desired_count": 1}))
	finding.key == ["count"]
	contains(finding.msg, "`service.web` is one task")
}

test_one_that_nobody_asks_passes if {
	count(rule.deny) == 0 with input as stack({"desired_count": 1})
}

test_none_is_meant_so if {
	count(rule.deny) == 0 with input as stack(object.union(behind, {"desired_count": 0}))
}
