package gitops.pass_role_to_services_test

import rego.v1

import data.gitops.pass_role_to_services as rule

stack(action, condition) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"more": {"Statement": [{
	"Effect": "Allow",
	"Action": [action],
	"Resource": ["arn:aws:iam::123456789012:role/one"],
	"Condition": condition,
}]}}}}}}

to_ecs := {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}

test_with_a_service_it_passes if {
	count(rule.deny) == 0 with input as stack("iam:PassRole", to_ecs)
}

test_without_it_is_told if {
	some finding in rule.deny with input as stack("iam:PassRole", {})
	finding.msg == "a role of `service.web` may pass roles to any service that they trust: service.web/iam.role.task allows `iam:PassRole`"
}

test_a_pattern_takes_it_in if {
	count(rule.deny) == 1 with input as stack("iam:P*", {})
	count(rule.deny) == 1 with input as stack("iam:PassRol?", {})
}

test_other_actions_pass if {
	count(rule.deny) == 0 with input as stack("sqs:SendMessage", {})
}
