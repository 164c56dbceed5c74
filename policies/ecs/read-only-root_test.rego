package gitops.read_only_root_test

import rego.v1

import data.gitops.read_only_root as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_a_read_only_one_passes if {
	count(rule.deny) == 0 with input as container({"readonly_root_filesystem": true})
}

test_one_that_is_not_is_told if {
	some finding in rule.deny with input as container({"readonly_root_filesystem": false})
	finding.key == ["container", "read_only"]
	finding.msg == "`service.web` may write everywhere in its container"
}

test_it_is_not_where_nothing_is_said if {
	count(rule.deny) == 1 with input as container({})
}

test_windows_has_no_such_thing if {
	count(rule.deny) == 0 with input as stack({
		"containers": {"web": {"image": "a:1"}},
		"runtime_platform": {"operating_system_family": "WINDOWS_SERVER_2022_CORE"},
	})
}

test_what_unpacks_config_files_writes if {
	count(rule.deny) == 0 with input as stack({"containers": {"agent-files": {"image": "a:1"}}})
}
