package gitops.lib.statements_test

import rego.v1

role := {
	"assume_role_policy": {"Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole"]}]},
	"inline_policies": {"files": {"Statement": [
		{"Effect": "Allow", "Action": ["ssm:GetParameters"]},
		{"Effect": "Deny", "Action": ["*"]},
	]}},
}

doc := {"kinds": {"iam.role": {"service.web/iam.role.task": role}}}

test_what_is_allowed_is_found_and_what_is_denied_is_not if {
	found := {[item.field, item.statement.Action] | some item in data.gitops.lib.statements.permissions} with input as doc
	found == {[["inline_policies", "files"], ["ssm:GetParameters"]]}
	count(data.gitops.lib.statements.trusts) == 1 with input as doc
}

test_patterns_take_actions_in_whatever_the_case if {
	data.gitops.lib.statements.takes_in("IAM:passrole", "iam:PassRole")
	data.gitops.lib.statements.takes_in("iam:*", "iam:PassRole")
	data.gitops.lib.statements.takes_in("iam:P*Role", "iam:PassRole")
	data.gitops.lib.statements.takes_in("*", "iam:PassRole")
}

test_other_patterns_do_not if {
	not data.gitops.lib.statements.takes_in("iam:Put*", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam:P*Policy", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam:PassRole2", "iam:PassRole")
}

test_a_condition_asks_for_keys if {
	statement := {"Condition": {"StringEquals": {"aws:sourceaccount": ["123456789012"]}}}
	data.gitops.lib.statements.has_condition(statement)
	data.gitops.lib.statements.asks_for(statement, "aws:SourceAccount")
	not data.gitops.lib.statements.asks_for(statement, "aws:SourceArn")
	not data.gitops.lib.statements.has_condition({"Condition": {}})
	not data.gitops.lib.statements.has_condition({})
}

test_one_of_a_thing_is_a_list_of_one if {
	lone := {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
	loners := {"kinds": {"iam.role": {"service.web/iam.role.task": {"inline_policies": {"files": {"Statement": lone}}}}}}
	found := [item.statement | some item in data.gitops.lib.statements.permissions] with input as loners
	found == [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]
}
