package gitops.no_added_capabilities_test

import rego.v1

import data.gitops.no_added_capabilities as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

capabilities(added) := container({"linux_parameters": {"capabilities": {"add": added}}})

test_none_pass if {
	count(rule.deny) == 0 with input as capabilities([])
}

test_the_one_of_fargate_passes if {
	count(rule.deny) == 0 with input as capabilities(["SYS_PTRACE"])
}

test_others_are_told if {
	some finding in rule.deny with input as capabilities(["SYS_PTRACE", "SYS_ADMIN", "NET_ADMIN"])
	finding.msg == "`service.web` has capabilities that lead out of its container: NET_ADMIN, SYS_ADMIN"
}

test_a_container_that_says_nothing_passes if {
	count(rule.deny) == 0 with input as container({})
}
