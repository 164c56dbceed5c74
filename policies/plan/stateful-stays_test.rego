package gitops.stateful_stays_test

import rego.v1

import data.gitops.stateful_stays as rule

step(op, stateful) := {"address": "service.web/logs.log_group", "kind": "logs.log_group", "op": op, "stateful": stateful}

doc(step, allowed) := {"stack": {"allow": {"delete": allowed}}, "plan": {"steps": [step]}}

test_a_deletion_of_data_is_refused if {
	some finding in rule.deny with input as doc(step("delete", true), [])
	finding.msg == "service.web/logs.log_group would be deleted, and it holds data that nothing can bring back"
	contains(finding.hint, "add \"service.web\"")
}

test_a_replacement_of_data_is_refused if {
	count(rule.deny) == 1 with input as doc(step("replace", true), ["service.other"])
}

test_what_the_revision_allows_may_go if {
	count(rule.deny) == 0 with input as doc(step("delete", true), ["service.web"])
}

test_what_holds_no_data_may_go if {
	count(rule.deny) == 0 with input as doc(step("delete", false), [])
}

test_changes_in_place_are_no_loss if {
	count(rule.deny) == 0 with input as doc(step("update", true), [])
}
