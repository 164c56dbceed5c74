package gitops.exec_needs_writable_test

import rego.v1

import data.gitops.exec_needs_writable as rule

stack(exec, containers) := {"kinds": {
	"ecs.service": {"service.web/ecs.service": {"enable_execute_command": exec, "task_definition": "service.web/ecs.task_definition"}},
	"ecs.task_definition": {"service.web/ecs.task_definition": {"containers": containers}},
}}

test_writable_ones_pass if {
	count(rule.deny) == 0 with input as stack(true, {"web": {"readonly_root_filesystem": false}})
}

test_read_only_ones_pass_without_shells if {
	count(rule.deny) == 0 with input as stack(false, {"web": {"readonly_root_filesystem": true}})
}

test_both_is_told if {
	some finding in rule.deny with input as stack(true, {"web": {"readonly_root_filesystem": true}})
	finding.msg == "nobody can open a shell in `service.web`: its root file system is read-only"
	finding.key == ["exec"]
}

test_several_containers_are_one_finding if {
	count(rule.deny) == 1 with input as stack(true, {"web": {"readonly_root_filesystem": true}, "proxy": {"readonly_root_filesystem": true}})
}

test_nobody_opens_shells_in_the_containers_of_the_agent if {
	count(rule.deny) == 0 with input as stack(true, {"web": {}, "agent-files-program": {"readonly_root_filesystem": true}})
}
