package gitops.no_service_wide_actions_test

import rego.v1

import data.gitops.no_service_wide_actions as rule

stack(action, resource) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"more": {"Statement": [{
	"Effect": "Allow",
	"Action": [action],
	"Resource": [resource],
}]}}}}}}

test_some_actions_pass if {
	count(rule.deny) == 0 with input as stack("s3:Get*", "*")
}

test_all_of_a_service_on_one_resource_passes if {
	count(rule.deny) == 0 with input as stack("s3:*", "arn:aws:s3:::bucket/*")
}

test_all_of_a_service_is_told if {
	some finding in rule.deny with input as stack("s3:*", "*")
	finding.msg == "a role of `service.web` may do all of a service: service.web/iam.role.task allows `s3:*` on `*`"
}

test_another_spelling_is_all_of_it_too if {
	count(rule.deny) == 1 with input as stack("s3:?*", "arn:*")
}

test_everything_is_told_elsewhere if {
	count(rule.deny) == 0 with input as stack("*:*", "*")
}
