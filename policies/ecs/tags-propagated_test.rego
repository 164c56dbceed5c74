package gitops.tags_propagated_test

import rego.v1

import data.gitops.tags_propagated as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

test_tags_pass if {
	every word in ["SERVICE", "TASK_DEFINITION"] {
		count(rule.deny) == 0 with input as stack({"propagate_tags": word})
	}
}

test_none_are_told if {
	some finding in rule.deny with input as stack({"propagate_tags": "NONE"})
	finding.msg == "the tasks of `service.web` have no tags"
}

test_there_are_none_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({})
}

test_a_stack_without_services_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
