# METADATA
# title: Files are encrypted on their way
# description: What tasks read from and write to file systems of EFS is encrypted on its way.
# scope: package
# custom:
#   id: efs-encrypted
#   level: soft
#   severity: high
#   why: NFS has no encryption of its own.
#   fsbp:
#     - ECS.18
#   checkov:
#     - CKV_AWS_97
#   trivy:
#     - AVD-AWS-0035
package gitops.efs_encrypted

import rego.v1

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, volume in task.volumes
	efs := volume.efs_volume_configuration
	not efs.transit_encryption
	finding := {
		"address": address,
		"field": ["volumes", name, "efs_volume_configuration"],
		"msg": sprintf("%s reads and writes the file system `%s` without encryption", [
			data.gitops.lib.names.called(address),
			efs.file_system_id,
		]),
		"hint": "say `transit_encryption = true` beside it",
	}
}
