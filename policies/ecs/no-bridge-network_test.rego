package gitops.no_bridge_network_test

import rego.v1

import data.gitops.no_bridge_network as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_an_interface_of_its_own_passes if {
	count(rule.deny) == 0 with input as stack({"network_mode": "awsvpc"})
}

test_a_bridge_is_told if {
	some finding in rule.deny with input as stack({"network_mode": "bridge"})
	finding.msg == "the tasks of `service.web` have no network interface of their own"
}

test_the_network_of_the_host_is_told_elsewhere if {
	count(rule.deny) == 0 with input as stack({"network_mode": "host"})
}

test_an_interface_is_what_is_made_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack({})
}
