package gitops.no_host_network_test

import rego.v1

import data.gitops.no_host_network as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_an_interface_of_its_own_passes if {
	count(rule.deny) == 0 with input as stack({"network_mode": "awsvpc"})
}

test_the_network_of_the_host_is_refused if {
	some finding in rule.deny with input as stack({"network_mode": "host"})
	finding.msg == "the tasks of `service.web` use the network of the machine that they run on"
	finding.field == ["network_mode"]
}

test_on_instances_too if {
	count(rule.deny) == 1 with input as stack({"network_mode": "host", "requires_compatibilities": ["EC2"]})
}

test_an_interface_is_what_is_made_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack({})
}
