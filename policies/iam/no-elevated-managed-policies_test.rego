package gitops.no_elevated_managed_policies_test

import rego.v1

import data.gitops.no_elevated_managed_policies as rule

stack(arns) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"managed_policies": arns}}}}

test_other_policies_pass if {
	count(rule.deny) == 0 with input as stack(["arn:aws:iam::aws:policy/IAMReadOnlyAccess"])
}

test_power_is_told if {
	some finding in rule.deny with input as stack(["arn:aws:iam::aws:policy/PowerUserAccess"])
	finding.msg == "a role of `service.web` has the managed policy PowerUserAccess: service.web/iam.role.task"
}

test_each_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as stack(["arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/IAMFullAccess"])
}

test_a_policy_of_ones_own_is_another if {
	count(rule.deny) == 0 with input as stack(["arn:aws:iam::123456789012:policy/IAMFullAccess"])
}
