# METADATA
# title: No shells
# description: Nobody can open a shell in the containers of services (ECS Exec).
# scope: package
# custom:
#   id: no-exec
#   level: off
#   severity: medium
#   why: For environments in which containers are only changed by a merge.
package gitops.no_exec

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	service.enable_execute_command
	finding := {
		"address": address,
		"field": ["enable_execute_command"],
		"key": ["exec"],
		"msg": sprintf("people can open shells in the containers of %s", [data.gitops.lib.names.called(address)]),
		"hint": "take `exec` away",
	}
}
