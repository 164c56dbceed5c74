# METADATA
# title: One image for a deployment
# description: ECS takes one digest of an image for all tasks of a deployment.
# scope: package
# custom:
#   id: version-consistency
#   level: soft
#   severity: medium
#   why: Otherwise each task pulls what the tag means by then, and a service runs two programs under one version.
package gitops.version_consistency

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	container.version_consistency == "disabled"
	not contains(container.image, "@sha256:")
	finding := {
		"address": address,
		"field": ["containers", name, "version_consistency"],
		"msg": sprintf("each task of %s pulls what the tag of its image means by then", [data.gitops.lib.containers.called(address, name)]),
		"hint": "take the override away, or name the image by its digest",
	}
}
