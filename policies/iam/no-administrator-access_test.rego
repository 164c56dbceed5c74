package gitops.no_administrator_access_test

import rego.v1

import data.gitops.no_administrator_access as rule

stack(arns) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"managed_policies": arns}}}}

test_other_policies_pass if {
	count(rule.deny) == 0 with input as stack(["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/web"])
}

test_it_is_told if {
	some finding in rule.deny with input as stack(["arn:aws:iam::aws:policy/AdministratorAccess"])
	finding.msg == "a role of `service.web` is an administrator: service.web/iam.role.task has arn:aws:iam::aws:policy/AdministratorAccess"
	finding.field == ["managed_policies"]
}

test_in_another_partition_too if {
	count(rule.deny) == 1 with input as stack(["arn:aws-cn:iam::aws:policy/AdministratorAccess"])
}

test_a_policy_of_that_name_of_ones_own_is_another if {
	count(rule.deny) == 0 with input as stack(["arn:aws:iam::123456789012:policy/AdministratorAccess"])
}
