# METADATA
# title: Images by digest
# description: Images are named by their digests.
# scope: package
# custom:
#   id: image-digest
#   level: off
#   severity: medium
#   why: A tag can be moved to another image. ECS takes one digest for each deployment, but the next deployment may get another one.
package gitops.image_digest

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not contains(container.image, "@sha256:")
	not name in data.gitops.lib.containers.agents
	finding := {
		"address": address,
		"field": ["containers", name, "image"],
		"key": data.gitops.lib.containers.key(address, name, ["image"]),
		"msg": sprintf("the image of %s can become another one under the same name: `%s`", [
			data.gitops.lib.containers.called(address, name),
			container.image,
		]),
		"hint": "add the digest: `…:1.4.2@sha256:…`",
	}
}
