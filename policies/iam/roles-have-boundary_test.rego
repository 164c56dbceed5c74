package gitops.roles_have_boundary_test

import rego.v1

import data.gitops.roles_have_boundary as rule

test_with_one_it_passes if {
	doc := {"kinds": {"iam.role": {"service.web/iam.role.task": {"permissions_boundary": "arn:aws:iam::123456789012:policy/bound"}}}}
	count(rule.deny) == 0 with input as doc
}

test_without_it_is_told if {
	some finding in rule.deny with input as {"kinds": {"iam.role": {"service.web/iam.role.task": {}}}}
	finding.msg == "a role of `service.web` has no permissions boundary: service.web/iam.role.task"
	finding.field == ["permissions_boundary"]
}

test_each_role_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as {"kinds": {"iam.role": {"service.web/iam.role.task": {}, "service.web/iam.role.execution": {}}}}
}

test_no_role_needs_none if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
