package gitops.no_admin_statements_test

import rego.v1

import data.gitops.no_admin_statements as rule

stack(statement) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"more": {"Statement": [statement]}}}}}}

test_all_actions_on_one_resource_pass if {
	count(rule.deny) == 0 with input as stack({"Effect": "Allow", "Action": ["*"], "Resource": ["arn:aws:s3:::a"]})
}

test_one_action_on_all_resources_passes if {
	count(rule.deny) == 0 with input as stack({"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]})
}

test_everything_is_told if {
	some finding in rule.deny with input as stack({"Effect": "Allow", "Action": ["*"], "Resource": ["*"]})
	finding.msg == "a role of `service.web` may do everything: service.web/iam.role.task allows `*` on `*`"
	finding.field == ["inline_policies", "more"]
}

test_another_spelling_is_everything_too if {
	count(rule.deny) == 1 with input as stack({"Effect": "Allow", "Action": ["*:*"], "Resource": ["arn:aws:s3:::a", "*"]})
	count(rule.deny) == 1 with input as stack({"Effect": "Allow", "Action": ["?*"], "Resource": ["arn:aws:*"]})
}

test_what_is_denied_passes if {
	count(rule.deny) == 0 with input as stack({"Effect": "Deny", "Action": ["*"], "Resource": ["*"]})
}
