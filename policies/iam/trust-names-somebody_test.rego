package gitops.trust_names_somebody_test

import rego.v1

import data.gitops.trust_names_somebody as rule

stack(principal, more) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"assume_role_policy": {"Statement": [object.union(
	{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": principal},
	more,
)]}}}}}

test_a_service_passes if {
	count(rule.deny) == 0 with input as stack({"Service": ["ecs-tasks.amazonaws.com"]}, {})
}

test_everybody_is_told if {
	some finding in rule.deny with input as stack("*", {})
	finding.msg == "a role of `service.web` may be taken on by everybody: service.web/iam.role.task"
}

test_everybody_among_others_is_everybody if {
	count(rule.deny) == 1 with input as stack({"AWS": ["*", "123456789012"]}, {})
}

test_everybody_with_a_condition_passes if {
	condition := {"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-1234567890"]}}}
	count(rule.deny) == 0 with input as stack({"AWS": ["*"]}, condition)
}

test_an_identity_provider_needs_a_condition if {
	github := {"Federated": ["arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]}
	some finding in rule.deny with input as stack(github, {})
	contains(finding.msg, "all that arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com knows")
	condition := {"Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": ["repo:example/web:*"]}}}
	count(rule.deny) == 0 with input as stack(github, condition)
}

test_to_deny_everybody_passes if {
	count(rule.deny) == 0 with input as stack("*", {"Effect": "Deny"})
}
