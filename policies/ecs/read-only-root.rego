# METADATA
# title: Programs write where they are meant to
# description: The root file systems of containers are read-only.
# scope: package
# custom:
#   id: read-only-root
#   level: advisory
#   severity: medium
#   why: Whoever breaks in cannot change the program or leave one of his own, and what a program writes by mistake does not fill the disk.
#   fsbp:
#     - ECS.5
#   checkov:
#     - CKV_AWS_336
package gitops.read_only_root

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not object.get(container, "readonly_root_filesystem", false)
	not name in data.gitops.lib.containers.agents

	# Windows has no such thing.
	not startswith(object.get(task, ["runtime_platform", "operating_system_family"], "LINUX"), "WINDOWS")
	finding := {
		"address": address,
		"field": ["containers", name, "readonly_root_filesystem"],
		"key": data.gitops.lib.containers.more(address, name, ["read_only"]),
		"msg": sprintf("%s may write everywhere in its container", [data.gitops.lib.containers.called(address, name)]),
		"hint": "say `read_only = true`, and where it has to write nevertheless: `writable = [\"/tmp\"]`",
	}
}
