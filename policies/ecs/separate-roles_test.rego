package gitops.separate_roles_test

import rego.v1

import data.gitops.separate_roles as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_two_roles_pass if {
	count(rule.deny) == 0 with input as stack({"execution_role": "service.web/iam.role.execution", "task_role": "service.web/iam.role.task"})
}

test_one_for_both_is_told if {
	some finding in rule.deny with input as stack({"execution_role": "arn:aws:iam::123456789012:role/one", "task_role": "arn:aws:iam::123456789012:role/one"})
	finding.field == ["task_role"]
	contains(finding.msg, "`service.web`")
}

test_no_role_for_containers_passes if {
	count(rule.deny) == 0 with input as stack({"execution_role": "arn:aws:iam::123456789012:role/one"})
}

test_no_role_at_all_passes if {
	count(rule.deny) == 0 with input as stack({})
}
