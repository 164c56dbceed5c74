# METADATA
# title: Files are for those who may
# description: File systems of EFS ask for the role of the task (IAM), or are seen through an access point.
# scope: package
# custom:
#   id: efs-authorized
#   level: advisory
#   severity: medium
#   why: Otherwise everybody in the network who reaches the file system may read and write all of it.
package gitops.efs_authorized

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, volume in task.volumes
	efs := volume.efs_volume_configuration
	not efs.iam
	not efs.access_point_id
	finding := {
		"address": address,
		"field": ["volumes", name, "efs_volume_configuration"],
		"msg": sprintf("%s may use all of the file system `%s`, and is not asked who it is", [
			data.gitops.lib.names.called(address),
			efs.file_system_id,
		]),
		"hint": "say `iam = true` beside it, and `access_point_id`",
	}
}
