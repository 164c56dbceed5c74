package gitops.exec_logged_test

import rego.v1

import data.gitops.exec_logged as rule

stack(exec, cluster) := {"kinds": {
	"ecs.service": {
		"service.web/ecs.service": {"enable_execute_command": exec, "cluster": "cluster.main/ecs.cluster"},
		"service.api/ecs.service": {"enable_execute_command": exec, "cluster": "cluster.main/ecs.cluster"},
	},
	"ecs.cluster": {"cluster.main/ecs.cluster": cluster},
}}

none := {"execute_command_configuration": {"logging": "NONE"}}

test_logged_shells_pass if {
	count(rule.deny) == 0 with input as stack(true, {"execute_command_configuration": {"logging": "DEFAULT"}})
}

test_shells_without_logs_are_told_once if {
	count(rule.deny) == 1 with input as stack(true, none)
	some finding in rule.deny with input as stack(true, none)
	finding.msg == "shells in the containers of `cluster.main` leave no trace"
}

test_where_nobody_opens_one_nothing_is_missing if {
	count(rule.deny) == 0 with input as stack(false, none)
}

test_they_are_logged_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack(true, {})
}
