package gitops.not_only_spot_test

import rego.v1

import data.gitops.not_only_spot as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

strategy(providers) := stack({"capacity_provider_strategy": providers})

test_some_that_stay_pass if {
	count(rule.deny) == 0 with input as strategy({"FARGATE": {"base": 1, "weight": 0}, "FARGATE_SPOT": {"base": 0, "weight": 1}})
}

test_only_spare_capacity_is_told if {
	some finding in rule.deny with input as strategy({"FARGATE_SPOT": {"base": 0, "weight": 1}})
	contains(finding.msg, "all tasks of `service.web` run on spare capacity")
}

test_a_share_of_nothing_is_none if {
	count(rule.deny) == 1 with input as strategy({"FARGATE": {"base": 0, "weight": 0}, "FARGATE_SPOT": {"weight": 1}})
}

test_without_a_strategy_there_is_none if {
	count(rule.deny) == 0 with input as strategy({})
	count(rule.deny) == 0 with input as stack({})
}
