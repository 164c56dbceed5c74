package gitops.no_inline_policies_test

import rego.v1

import data.gitops.no_inline_policies as rule

stack(policies) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": policies}}}}

test_without_it_passes if {
	count(rule.deny) == 0 with input as stack({})
}

test_left_out_is_without if {
	count(rule.deny) == 0 with input as {"kinds": {"iam.role": {"service.web/iam.role.task": {}}}}
}

test_one_is_told if {
	some finding in rule.deny with input as stack({"files": {"Statement": []}})
	finding.msg == "a role of `service.web` has inline policies: service.web/iam.role.task has files"
}

test_several_are_one_finding if {
	count(rule.deny) == 1 with input as stack({"files": {"Statement": []}, "exec": {"Statement": []}})
}
