package gitops.other_accounts_with_condition_test

import rego.v1

import data.gitops.other_accounts_with_condition as rule

stack(principal, condition) := {
	"stack": {"account": "123456789012"},
	"kinds": {"iam.role": {"service.web/iam.role.task": {"assume_role_policy": {"Statement": [{
		"Effect": "Allow",
		"Action": ["sts:AssumeRole"],
		"Principal": principal,
		"Condition": condition,
	}]}}}},
}

test_this_account_passes if {
	count(rule.deny) == 0 with input as stack({"AWS": ["123456789012"]}, {})
	count(rule.deny) == 0 with input as stack({"AWS": ["arn:aws:iam::123456789012:role/deploy"]}, {})
}

test_another_account_is_told if {
	some finding in rule.deny with input as stack({"AWS": ["210987654321"]}, {})
	finding.msg == "a role of `service.web` may be taken on from the account 210987654321 without a condition: service.web/iam.role.task"
}

test_a_role_of_another_account_is_told if {
	count(rule.deny) == 1 with input as stack({"AWS": ["arn:aws:iam::210987654321:role/deploy"]}, {})
}

test_an_external_id_passes if {
	count(rule.deny) == 0 with input as stack({"AWS": ["210987654321"]}, {"StringEquals": {"sts:ExternalId": ["x"]}})
}

test_services_and_everybody_are_no_account if {
	count(rule.deny) == 0 with input as stack({"Service": ["ecs-tasks.amazonaws.com"]}, {})
	count(rule.deny) == 0 with input as stack("*", {})
	count(rule.deny) == 0 with input as stack({"AWS": ["*"]}, {})
}
