package gitops.no_exec_test

import rego.v1

import data.gitops.no_exec as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

test_no_shells_pass if {
	count(rule.deny) == 0 with input as stack({"enable_execute_command": false})
}

test_shells_are_told if {
	some finding in rule.deny with input as stack({"enable_execute_command": true})
	finding.msg == "people can open shells in the containers of `service.web`"
	finding.key == ["exec"]
}

test_there_are_none_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack({})
}

test_a_stack_without_services_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
