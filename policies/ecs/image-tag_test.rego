package gitops.image_tag_test

import rego.v1

import data.gitops.image_tag as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

image(name) := container({"image": name})

test_tags_and_digests_pass if {
	every name in ["nginx:1.29.3", "registry.example.org:5000/a/b:1", "a/b@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "a/b:latest@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] {
		count(rule.deny) == 0 with input as image(name)
	}
}

test_the_newest_is_told if {
	some finding in rule.deny with input as image("a/b:latest")
	finding.msg == "the image of `service.web` has the tag `latest`: `a/b:latest`"
	finding.key == ["image"]
}

test_no_tag_is_told if {
	every name in ["nginx", "registry.example.org:5000/a/b"] {
		some finding in rule.deny with input as image(name)
		contains(finding.msg, "has no tag")
	}
}

test_the_image_of_the_stack_is_not_the_services if {
	count(rule.deny) == 0 with input as stack({"containers": {"agent-files-program": {"image": "a:latest"}}})
}
