package gitops.no_wildcard_resources_test

import rego.v1

import data.gitops.no_wildcard_resources as rule

stack(statement) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"more": {"Statement": [object.union(
	{"Effect": "Allow"},
	statement,
)]}}}}}}

test_named_resources_pass if {
	count(rule.deny) == 0 with input as stack({"Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/*"]})
}

test_all_resources_are_told if {
	some finding in rule.deny with input as stack({"Action": ["s3:GetObject", "ecr:GetAuthorizationToken"], "Resource": ["*"]})
	finding.msg == "a role of `service.web` is allowed something on all resources: service.web/iam.role.task allows s3:GetObject"
}

test_actions_without_resources_pass if {
	count(rule.deny) == 0 with input as stack({"Action": ["ecr:GetAuthorizationToken", "ssmmessages:OpenDataChannel"], "Resource": ["*"]})
}

test_exclusions_are_told if {
	some finding in rule.deny with input as stack({"NotAction": ["iam:*"], "Resource": ["*"]})
	contains(finding.msg, "all but some actions")
}

test_what_is_denied_passes if {
	count(rule.deny) == 0 with input as stack({"Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"]})
}
