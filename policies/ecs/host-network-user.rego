# METADATA
# title: No root in the network of the host
# description: Where containers are in the network of their instance, each says as which user it runs, and that is not root.
# scope: package
# custom:
#   id: host-network-user
#   level: off
#   severity: high
#   why: Root in the network of the host listens on every port of the instance and sees the traffic of all its tasks.
#   guard:
#     - ECS_TASK_DEFINITION_USER_FOR_HOST_MODE_CHECK
package gitops.host_network_user

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	task.network_mode == "host"
	some name, container in task.containers
	may_be_root(container)
	finding := {
		"address": address,
		"field": ["containers", name, "user"],
		"key": data.gitops.lib.containers.more(address, name, ["user"]),
		"msg": sprintf("%s is in the network of the host and may be root", [data.gitops.lib.containers.called(address, name)]),
		"hint": "say another user, such as `user = \"1000:1000\"`, or leave the network of the host: `awsvpc`",
	}
}

may_be_root(container) if not container.user

may_be_root(container) if split(container.user, ":")[0] in {"", "root", "0"}
