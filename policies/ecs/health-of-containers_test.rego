package gitops.health_of_containers_test

import rego.v1

import data.gitops.health_of_containers as rule

stack(targets, containers) := {"kinds": {
	"ecs.service": {"service.web/ecs.service": {"task_definition": "service.web/ecs.task_definition", "load_balancers": targets}},
	"ecs.task_definition": {"service.web/ecs.task_definition": {"containers": containers}},
}}

check := {"health_check": {"command": ["CMD", "true"]}}

test_one_that_a_load_balancer_asks_passes if {
	count(rule.deny) == 0 with input as stack([{"container_name": "web"}], {"web": {}})
}

test_one_with_a_check_passes if {
	count(rule.deny) == 0 with input as stack([], {"web": check})
}

test_a_worker_without_is_told if {
	some finding in rule.deny with input as stack([], {"web": {"essential": true}})
	finding.msg == "nobody asks `service.web` whether it works"
	finding.key == ["container", "health"]
}

test_so_is_a_sidecar if {
	some finding in rule.deny with input as stack([{"container_name": "web"}], {"web": {}, "proxy": {}})
	finding.key == ["sidecar", "proxy", "health"]
}

test_what_is_not_essential_may_end if {
	count(rule.deny) == 0 with input as stack([], {"web": object.union(check, {}), "agent-files": {"essential": false}})
}
