# METADATA
# title: No root by choice
# description: No container is told to run as root.
# scope: package
# custom:
#   id: no-root-user
#   level: soft
#   severity: high
#   why: Whoever breaks into a program that runs as root may do everything in its container, and is one flaw of the kernel away from what is beside it.
#   fsbp:
#     - ECS.20
package gitops.no_root_user

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	split(container.user, ":")[0] in {"root", "0"}
	not name in data.gitops.lib.containers.agents
	finding := {
		"address": address,
		"field": ["containers", name, "user"],
		"key": data.gitops.lib.containers.more(address, name, ["user"]),
		"msg": sprintf("%s runs as root, because it is told to", [data.gitops.lib.containers.called(address, name)]),
		"hint": "say another user, such as `user = \"1000:1000\"`, or leave it out where the image has one",
	}
}
