package gitops.version_consistency_test

import rego.v1

import data.gitops.version_consistency as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_one_digest_passes if {
	count(rule.deny) == 0 with input as container({"version_consistency": "enabled"})
}

test_each_its_own_is_told if {
	some finding in rule.deny with input as container({"version_consistency": "disabled"})
	finding.field == ["containers", "web", "version_consistency"]
	contains(finding.msg, "`service.web`")
}

test_a_digest_means_one_image if {
	count(rule.deny) == 0 with input as container({"image": "a@sha256:00", "version_consistency": "disabled"})
}

test_one_digest_is_what_ecs_takes if {
	count(rule.deny) == 0 with input as container({})
}
