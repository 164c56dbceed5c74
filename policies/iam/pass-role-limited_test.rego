package gitops.pass_role_limited_test

import rego.v1

import data.gitops.pass_role_limited as rule

stack(action, resource, more) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"more": {"Statement": [object.union(
	{"Effect": "Allow", "Action": [action], "Resource": [resource]},
	more,
)]}}}}}}

test_named_roles_pass if {
	count(rule.deny) == 0 with input as stack("iam:PassRole", "arn:aws:iam::123456789012:role/gitops-agent/um/*", {})
}

test_any_role_is_told if {
	some finding in rule.deny with input as stack("iam:PassRole", "*", {})
	finding.msg == "a role of `service.web` may pass any role to any service: service.web/iam.role.task allows `iam:PassRole` on `*`"
}

test_all_roles_of_an_account_are_any if {
	count(rule.deny) == 1 with input as stack("iam:PassRole", "arn:aws:iam::123456789012:role/*", {})
}

test_so_are_they_in_other_spellings if {
	every resource in ["arn:aws:iam::123456789012:role/?*", "arn:aws:iam::123456789012:role*", "arn:aws:iam::*", "arn:*"] {
		count(rule.deny) == 1 with input as stack("iam:PassRole", resource, {})
	}
}

test_patterns_take_it_in if {
	count(rule.deny) == 1 with input as stack("iam:PassRol?", "*", {})
	count(rule.deny) == 1 with input as stack("iam:Pass*", "*", {})
	count(rule.deny) == 1 with input as stack("iam:*", "*", {})
}

test_a_service_limits_it if {
	condition := {"Condition": {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}}
	count(rule.deny) == 0 with input as stack("iam:PassRole", "*", condition)
}

test_another_condition_does_not if {
	condition := {"Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1"]}}}
	count(rule.deny) == 1 with input as stack("iam:PassRole", "*", condition)
}

test_other_actions_of_iam_are_not_its_business if {
	count(rule.deny) == 0 with input as stack("iam:Get*", "*", {})
}

test_everything_is_told_elsewhere if {
	count(rule.deny) == 0 with input as stack("*", "*", {})
	count(rule.deny) == 1 with input as stack("*", "arn:aws:iam::123456789012:role/*", {})
}
