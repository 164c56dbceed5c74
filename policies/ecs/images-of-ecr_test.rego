package gitops.images_of_ecr_test

import rego.v1

import data.gitops.images_of_ecr as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

image(name) := container({"image": name})

test_images_of_ecr_pass if {
	every name in ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a:1"] {
		count(rule.deny) == 0 with input as image(name)
	}
}

test_others_are_told if {
	every name in ["nginx:1", "ghcr.io/a/b:1", "public.ecr.aws/a/b:1"] {
		count(rule.deny) == 1 with input as image(name)
	}
}

test_the_key_of_the_image_is_told if {
	some finding in rule.deny with input as image("nginx:1")
	finding.key == ["image"]
	finding.msg == "the image of `service.web` is not in ECR: `nginx:1`"
}

test_a_path_that_looks_like_ecr_is_not if {
	count(rule.deny) == 1 with input as image("example.org/1.dkr.ecr.eu-west-1.amazonaws.com/a:1")
}
