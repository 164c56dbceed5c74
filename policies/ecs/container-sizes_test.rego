package gitops.container_sizes_test

import rego.v1

import data.gitops.container_sizes as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

sized(containers) := stack({"cpu": 256, "memory": 512, "containers": containers})

test_what_fits_passes if {
	count(rule.deny) == 0 with input as sized({"web": {"cpu": 128, "memory": 512, "memory_reservation": 256}, "proxy": {"cpu": 128, "memory_reservation": 256}})
}

test_a_limit_above_the_task_is_refused if {
	some finding in rule.deny with input as sized({"web": {"memory": 1024}})
	finding.msg == "`service.web` may take 1024 MiB, and its task has 512"
	finding.key == ["container", "memory"]
}

test_more_kept_than_allowed_is_refused if {
	some finding in rule.deny with input as sized({"web": {"memory": 128, "memory_reservation": 256}})
	finding.msg == "256 MiB are kept for `service.web`, which is killed above 128"
}

test_more_cpu_than_there_is_is_refused if {
	some finding in rule.deny with input as sized({"web": {"cpu": 200}, "proxy": {"cpu": 100}})
	finding.msg == "300 CPU units are kept for the containers of `service.web`, and its task has 256"
}

test_more_memory_kept_than_there_is_is_refused if {
	some finding in rule.deny with input as sized({"web": {"memory_reservation": 300}, "proxy": {"memory_reservation": 300}})
	finding.msg == "600 MiB are kept for the containers of `service.web`, and its task has 512"
}

test_containers_that_say_nothing_pass if {
	count(rule.deny) == 0 with input as sized({"web": {}, "proxy": {}})
}
