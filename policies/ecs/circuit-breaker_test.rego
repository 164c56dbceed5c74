package gitops.circuit_breaker_test

import rego.v1

import data.gitops.circuit_breaker as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

breaker(enable, rollback) := stack({"deployment": {"circuit_breaker": {"enable": enable, "rollback": rollback}}})

test_one_that_goes_back_passes if {
	count(rule.deny) == 0 with input as breaker(true, true)
}

test_none_is_told if {
	some finding in rule.deny with input as breaker(false, false)
	finding.msg == "a deployment of `service.web` whose tasks do not come up goes on for ever"
	finding.key == ["deploy", "circuit_breaker"]
}

test_one_that_does_not_go_back_is_told if {
	some finding in rule.deny with input as breaker(true, false)
	contains(finding.msg, "leaves it as it is then")
}

test_ecs_has_none_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({})
}

test_other_strategies_have_ways_of_their_own if {
	count(rule.deny) == 0 with input as stack({"deployment": {"strategy": "BLUE_GREEN"}})
}
