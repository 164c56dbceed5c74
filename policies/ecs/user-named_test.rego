package gitops.user_named_test

import rego.v1

import data.gitops.user_named as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_a_user_passes if {
	count(rule.deny) == 0 with input as container({"user": "1000"})
}

test_none_is_told if {
	some finding in rule.deny with input as container({})
	finding.msg == "`service.web` runs as the user of its image, which may be root"
	finding.key == ["container", "user"]
}

test_each_container_is_told if {
	count(rule.deny) == 2 with input as stack({"containers": {"web": {"image": "a:1"}, "proxy": {"image": "b:1"}}})
}

test_the_containers_of_the_agent_are_not if {
	count(rule.deny) == 0 with input as stack({"containers": {"agent-files-program": {"image": "a:1"}}})
}
