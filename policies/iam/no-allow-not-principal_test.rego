package gitops.no_allow_not_principal_test

import rego.v1

import data.gitops.no_allow_not_principal as rule

stack(statement) := {"kinds": {"iam.role": {"service.web/iam.role.task": {"assume_role_policy": {"Statement": [statement]}}}}}

test_a_principal_passes if {
	count(rule.deny) == 0 with input as stack({"Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}})
}

test_everybody_but_some_is_told if {
	some finding in rule.deny with input as stack({"Effect": "Allow", "NotPrincipal": {"AWS": ["123456789012"]}})
	finding.msg == "a role of `service.web` may be taken on by everybody but some: service.web/iam.role.task has `NotPrincipal`"
	finding.field == ["assume_role_policy"]
}

test_everybody_but_everybody_too if {
	count(rule.deny) == 1 with input as stack({"Effect": "Allow", "NotPrincipal": "*"})
}

test_to_deny_so_passes if {
	count(rule.deny) == 0 with input as stack({"Effect": "Deny", "NotPrincipal": {"AWS": ["123456789012"]}})
}
