package gitops.efs_authorized_test

import rego.v1

import data.gitops.efs_authorized as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

volume(more) := stack({"volumes": {"data": {"efs_volume_configuration": object.union({"file_system_id": "fs-1"}, more)}}})

test_a_role_passes if {
	count(rule.deny) == 0 with input as volume({"iam": true})
}

test_an_access_point_passes if {
	count(rule.deny) == 0 with input as volume({"access_point_id": "fsap-1"})
}

test_neither_is_told if {
	some finding in rule.deny with input as volume({"iam": false})
	finding.msg == "`service.web` may use all of the file system `fs-1`, and is not asked who it is"
}

test_other_volumes_pass if {
	count(rule.deny) == 0 with input as stack({"volumes": {"tmp": {}}})
}
