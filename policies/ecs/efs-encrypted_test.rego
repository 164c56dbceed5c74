package gitops.efs_encrypted_test

import rego.v1

import data.gitops.efs_encrypted as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

volume(more) := stack({"volumes": {"data": {"efs_volume_configuration": object.union({"file_system_id": "fs-1"}, more)}}})

test_encryption_passes if {
	count(rule.deny) == 0 with input as volume({"transit_encryption": true})
}

test_none_is_told if {
	some finding in rule.deny with input as volume({"transit_encryption": false})
	finding.msg == "`service.web` reads and writes the file system `fs-1` without encryption"
	finding.field == ["volumes", "data", "efs_volume_configuration"]
}

test_none_is_what_aws_gives if {
	count(rule.deny) == 1 with input as volume({})
}

test_other_volumes_have_no_way_to_go if {
	count(rule.deny) == 0 with input as stack({"volumes": {"tmp": {}}})
}
