package gitops.pull_through_first_pull_test

import rego.v1

import data.gitops.pull_through_first_pull as rule

link(image) := {
	"service": "service.web/ecs.service",
	"because": sprintf("pulls the image %s", [image]),
	"verdict": "yes",
	"lacks": image,
	"address": "service.web/ecs.task_definition",
	"field": ["containers"],
	"line": {"component": "service.web", "key": ["image"]},
}

facts(images) := {"facts": {"preflight": {"pull-through-first-pull": [link(image) | some image in images]}}}

test_without_a_cache_there_is_nothing_to_know if {
	count(rule.warn) == 0 with input as {"facts": {"preflight": {}}}
}

test_an_image_is_named_with_what_to_do if {
	some finding in rule.warn with input as facts(["r/docker-hub/nginx:1"])
	finding.msg == "`service.web` pulls the image r/docker-hub/nginx:1, which comes through a cache of ECR, and its subnets have no way out for the first pull"
	finding.hint == "pull each new tag once from somewhere with a way out: r/docker-hub/nginx:1"
}

test_all_images_are_one_finding if {
	doc := facts(["r/ghcr/b:1", "r/ghcr/a:1", "r/ghcr/c:1"])
	count(rule.warn) == 1 with input as doc
	some finding in rule.warn with input as doc
	endswith(finding.msg, "(and 2 other images)")
	endswith(finding.hint, "r/ghcr/a:1, r/ghcr/b:1, r/ghcr/c:1")
}

test_one_image_twice_is_one if {
	some finding in rule.warn with input as facts(["r/ghcr/a:1", "r/ghcr/a:1"])
	endswith(finding.msg, "for the first pull")
}
