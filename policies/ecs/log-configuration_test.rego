package gitops.log_configuration_test

import rego.v1

import data.gitops.log_configuration as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

logs := {"log_configuration": {"log_driver": "awslogs"}}

test_logs_pass if {
	count(rule.deny) == 0 with input as container(logs)
}

test_none_are_told if {
	some finding in rule.deny with input as container({})
	finding.msg == "what `service.web` writes to its output is lost"
}

test_each_container_needs_them if {
	some finding in rule.deny with input as stack({"containers": {"web": logs, "proxy": {"image": "b:1"}}})
	finding.msg == "what the container `proxy` of `service.web` writes to its output is lost"
}

test_any_driver_will_do if {
	count(rule.deny) == 0 with input as container({"log_configuration": {"log_driver": "splunk"}})
}
