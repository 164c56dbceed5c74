package gitops.no_allow_not_resource_test

import rego.v1

import data.gitops.no_allow_not_resource as rule

stack(statement) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"more": {"Statement": [statement]}}}}}}

test_resources_pass if {
	count(rule.deny) == 0 with input as stack({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/*"]})
}

test_an_exclusion_is_told if {
	some finding in rule.deny with input as stack({"Effect": "Allow", "Action": ["s3:GetObject"], "NotResource": ["arn:aws:s3:::a/*"]})
	finding.msg == "a role of `service.web` is allowed something on everything but some resources: service.web/iam.role.task, `NotResource` arn:aws:s3:::a/*"
}

test_to_deny_by_exclusion_passes if {
	count(rule.deny) == 0 with input as stack({"Effect": "Deny", "Action": ["s3:*"], "NotResource": ["arn:aws:s3:::a/*"]})
}

test_a_role_without_policies_passes if {
	count(rule.deny) == 0 with input as {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {}}}}}
}
