package gitops.task_roles_trust_this_account_test

import rego.v1

import data.gitops.task_roles_trust_this_account as rule

stack(role, service, condition) := {"kinds": {
	"ecs.task_definition": {"service.web/ecs.task_definition": {"task_role": "service.web/iam.role.task", "execution_role": "service.web/iam.role.execution"}},
	"iam.role": {role: {"assume_role_policy": {"Statement": [{
		"Effect": "Allow",
		"Action": ["sts:AssumeRole"],
		"Principal": {"Service": [service]},
		"Condition": condition,
	}]}}},
}}

ecs := "ecs-tasks.amazonaws.com"

test_with_the_account_it_passes if {
	condition := {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
	count(rule.deny) == 0 with input as stack("service.web/iam.role.task", ecs, condition)
}

test_with_the_arn_it_passes if {
	condition := {"ArnLike": {"aws:SourceArn": ["arn:aws:ecs:eu-west-1:123456789012:*"]}}
	count(rule.deny) == 0 with input as stack("service.web/iam.role.task", ecs, condition)
}

test_without_it_is_told if {
	some finding in rule.deny with input as stack("service.web/iam.role.task", ecs, {})
	finding.msg == "the role of the tasks of `service.web` may be taken on by ECS for anybody's task: service.web/iam.role.task"
}

test_another_condition_does_not_do if {
	condition := {"StringEquals": {"aws:PrincipalOrgID": ["o-1"]}}
	count(rule.deny) == 1 with input as stack("service.web/iam.role.task", ecs, condition)
}

test_roles_that_start_tasks_and_other_services_pass if {
	count(rule.deny) == 0 with input as stack("service.web/iam.role.execution", ecs, {})
	count(rule.deny) == 0 with input as stack("service.web/iam.role.task", "ec2.amazonaws.com", {})
}
