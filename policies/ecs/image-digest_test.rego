package gitops.image_digest_test

import rego.v1

import data.gitops.image_digest as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

image(name) := container({"image": name})

test_digests_pass if {
	count(rule.deny) == 0 with input as image("a/b:1@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
}

test_a_tag_is_told if {
	some finding in rule.deny with input as image("a/b:1")
	finding.msg == "the image of `service.web` can become another one under the same name: `a/b:1`"
	finding.key == ["image"]
}

test_a_sidecar_is_told_too if {
	some finding in rule.deny with input as stack({"containers": {"proxy": {"image": "b:1"}}})
	finding.key == ["sidecar", "proxy", "image"]
}

test_the_image_of_the_stack_is_not_the_services if {
	count(rule.deny) == 0 with input as stack({"containers": {"agent-files-program": {"image": "a:1"}}})
}
