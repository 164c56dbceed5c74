# METADATA
# title: First pull through a cache
# description: Images that come through ECR's pull-through cache are pulled once from somewhere with a way to the internet, before tasks without one pull them.
# scope: package
# custom:
#   id: pull-through-first-pull
#   level: advisory
#   severity: low
#   why: The first pull of an image, and of each new tag, fetches it from its own registry, which asks for a way out of the VPC; later ones are answered by ECR.
package gitops.pull_through_first_pull

import rego.v1

# One finding for all images: it is one thing to know.
warn contains finding if {
	links := input.facts.preflight["pull-through-first-pull"]
	images := sort({link.lacks | some link in links})
	first := links[0]
	finding := {
		"msg": sprintf("`%s` %s, which comes through a cache of ECR, and its subnets have no way out for the first pull%s", [
			data.gitops.lib.names.component(first.service),
			first.because,
			others(count(images) - 1),
		]),
		"address": first.address,
		"field": first.field,
		"component": first.line.component,
		"key": first.line.key,
		"hint": sprintf("pull each new tag once from somewhere with a way out: %s", [concat(", ", images)]),
	}
}

others(0) := ""

others(1) := " (and 1 other image)"

others(n) := sprintf(" (and %d other images)", [n]) if n > 1
