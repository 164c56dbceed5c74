# METADATA
# title: Images of ECR
# description: All images are in registries of ECR, of which some may be copies of others (pull-through caches).
# scope: package
# custom:
#   id: images-of-ecr
#   level: off
#   severity: medium
#   why: Other registries limit pulls, go down, and lose images, each time without asking you.
package gitops.images_of_ecr

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not is_ecr(split(container.image, "/")[0])
	finding := {
		"address": address,
		"field": ["containers", name, "image"],
		"key": data.gitops.lib.containers.key(address, name, ["image"]),
		"msg": sprintf("the image of %s is not in ECR: `%s`", [data.gitops.lib.containers.called(address, name), container.image]),
		"hint": "take it through a pull-through cache of ECR",
	}
}

is_ecr(registry) if {
	contains(registry, ".dkr.ecr.")
	contains(registry, ".amazonaws.com")
}
