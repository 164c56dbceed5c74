# METADATA
# title: Each container names its user
# description: Each container says as which user it runs.
# scope: package
# custom:
#   id: user-named
#   level: off
#   severity: medium
#   why: The user of an image is root unless its makers thought of it, and nobody sees that in a manifest.
#   fsbp:
#     - ECS.20
package gitops.user_named

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not container.user
	not name in data.gitops.lib.containers.agents
	finding := {
		"address": address,
		"field": ["containers", name, "user"],
		"key": data.gitops.lib.containers.more(address, name, ["user"]),
		"msg": sprintf("%s runs as the user of its image, which may be root", [data.gitops.lib.containers.called(address, name)]),
		"hint": "say which: `container = { user = \"1000:1000\" }`",
	}
}
