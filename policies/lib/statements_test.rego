package gitops.lib.statements_test

import rego.v1

doc(trust, permissions) := {"kinds": {"iam.role": {"service.web/iam.role.task": {
	"assume_role_policy": {"Statement": trust},
	"inline_policies": {"files": {"Statement": permissions}},
}}}}

test_what_is_allowed_is_found_and_what_is_denied_is_not if {
	statements := [
		{"Effect": "Allow", "Action": ["ssm:Get*"], "Resource": ["arn:aws:ssm:eu-west-1:123456789012:parameter/a"]},
		{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]},
	]
	found := {[item.field, item.statement.Action] | some item in data.gitops.lib.statements.permissions} with input as doc([], statements)
	found == {[["inline_policies", "files"], ["ssm:Get*"]]}
}

test_what_could_be_too_much_is_found if {
	arn := "arn:aws:s3:::a/*"
	every statement in [
		{"Action": ["s3:GetObject", "s3:*"], "Resource": [arn]},
		{"Action": ["s3:GetObject"], "Resource": [arn, "*"]},
		{"Action": ["s3:GetObject"], "Resource": ["*:*"]},
		{"Action": ["ecr:GetAuthorizationToken", "ecr:GetLifecyclePolicy"], "Resource": ["*"]},
		{"Action": ["IAM:passrole"], "Resource": ["arn:aws:iam::123456789012:role/x"]},
		{"Action": ["iam:PassRol?"], "Resource": ["arn:aws:iam::123456789012:role/x"]},
		{"Action": ["s3:GetObject"], "Resource": ["arn:aws:*"]},
		{"NotAction": ["s3:GetObject"], "Resource": [arn]},
		{"Action": ["s3:GetObject"], "NotResource": [arn]},
		{"Action": "*", "Resource": arn},
	] {
		allowed := object.union(statement, {"Effect": "Allow"})
		count(data.gitops.lib.statements.permissions) == 1 with input as doc([], [allowed])
	}
}

test_ordinary_permissions_are_not_looked_at if {
	statements := [
		{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:eu-west-1:123456789012:b:*"]},
		{"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]},
		{"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"},
	]
	count(data.gitops.lib.statements.permissions) == 0 with input as doc([], array.slice(statements, 0, 2))
	count(data.gitops.lib.statements.permissions) == 0 with input as doc([], statements)
}

test_services_alone_are_no_strangers if {
	trust := [
		{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"]}},
		{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}},
		{"Effect": "Deny", "Action": ["sts:AssumeRole"], "Principal": "*"},
	]
	count(data.gitops.lib.statements.strangers) == 0 with input as doc(trust, [])
}

test_everybody_else_is_a_stranger if {
	every statement in [
		{"Principal": "*"},
		{"Principal": {"Service": ["*"]}},
		{"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}},
		{"Principal": {"AWS": ["123456789012"], "Service": ["ecs.amazonaws.com"]}},
		{"Principal": {"Federated": ["token.actions.githubusercontent.com"]}},
		{"NotPrincipal": {"Service": ["ecs.amazonaws.com"]}},
		{"Principal": {"Service": ["ecs.amazonaws.com"]}, "NotAction": ["sts:AssumeRole"]},
		{},
	] {
		allowed := object.union(statement, {"Effect": "Allow"})
		count(data.gitops.lib.statements.strangers) == 1 with input as doc([allowed], [])
	}
}

test_patterns_take_actions_in_whatever_the_case if {
	data.gitops.lib.statements.takes_in("IAM:passrole", "iam:PassRole")
	data.gitops.lib.statements.takes_in("iam:*", "iam:PassRole")
	data.gitops.lib.statements.takes_in("iam:P*Role", "iam:PassRole")
	data.gitops.lib.statements.takes_in("*", "iam:PassRole")
	data.gitops.lib.statements.takes_in("iam:PassRol?", "iam:PassRole")
	data.gitops.lib.statements.takes_in("?am:*a?s*Role", "iam:PassRole")
}

test_other_patterns_do_not if {
	not data.gitops.lib.statements.takes_in("iam:Put*", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam:P*Policy", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam:PassRole2", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam:PassRole?", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam:P*Ex*Role", "iam:PassRole")
	not data.gitops.lib.statements.takes_in("iam.Pass*", "iam:PassRole")
}

test_everything_has_many_spellings if {
	every text in ["*", "*:*", "**", "?*", "*?", "arn:*", "arn:aws:*", "arn:aws-cn:*:*:*:*:*", "arn:*:*"] {
		data.gitops.lib.statements.is_any(text)
	}
	every text in ["?", "s3:*", "s3:?", "arn:aws:s3:::*", "arn:aws:iam::123456789012:role/*", "arn:aws:s3:::a/?*", "arn:aws"] {
		not data.gitops.lib.statements.is_any(text)
	}
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
