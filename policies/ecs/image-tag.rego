# METADATA
# title: Images have a version
# description: Images are named by a digest or by a tag, and the tag is not `latest`.
# scope: package
# custom:
#   id: image-tag
#   level: soft
#   severity: medium
#   why: What runs is then what the manifest says. `latest` is another program tomorrow, and the way back is not written down.
package gitops.image_tag

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	what := unnamed(container.image)
	not name in data.gitops.lib.containers.agents
	finding := {
		"address": address,
		"field": ["containers", name, "image"],
		"key": data.gitops.lib.containers.key(address, name, ["image"]),
		"msg": sprintf("the image of %s %s: `%s`", [data.gitops.lib.containers.called(address, name), what, container.image]),
		"hint": "name a version, such as `:1.4.2`, or a digest (`@sha256:…`)",
	}
}

unnamed(image) := "has the tag `latest`" if endswith(image, ":latest")

# A colon before the last slash is that of the registry's port.
unnamed(image) := "has no tag" if {
	parts := split(image, "/")
	not contains(parts[count(parts) - 1], ":")
}
