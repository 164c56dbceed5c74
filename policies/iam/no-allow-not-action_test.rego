package gitops.no_allow_not_action_test

import rego.v1

import data.gitops.no_allow_not_action as rule

role(inline, trust) := {"kinds": {"iam.role": {"service.web/iam.role.task": {
	"inline_policies": {"more": {"Statement": [inline]}},
	"assume_role_policy": {"Statement": [trust]},
}}}}

plain := {"Effect": "Allow", "Action": ["sts:AssumeRole"]}

exclusion(effect) := {"Effect": effect, "NotAction": ["iam:*"], "Resource": ["*"]}

test_actions_pass if {
	count(rule.deny) == 0 with input as role(plain, plain)
}

test_an_exclusion_is_told if {
	some finding in rule.deny with input as role(exclusion("Allow"), plain)
	finding.msg == "a role of `service.web` allows everything but some actions: service.web/iam.role.task, `NotAction` iam:*"
}

test_in_the_trust_too if {
	some finding in rule.deny with input as role(plain, exclusion("Allow"))
	finding.field == ["assume_role_policy"]
}

test_to_deny_by_exclusion_passes if {
	count(rule.deny) == 0 with input as role(exclusion("Deny"), exclusion("Deny"))
}
