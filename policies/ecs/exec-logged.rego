# METADATA
# title: Shells are logged
# description: Clusters in which people may open shells (ECS Exec) log what is done in them.
# scope: package
# custom:
#   id: exec-logged
#   level: soft
#   severity: medium
#   why: What somebody did in a container in production is otherwise known to him alone.
#   checkov:
#     - CKV_AWS_223
package gitops.exec_logged

import rego.v1

deny contains finding if {
	some cluster in {cluster |
		some service in input.kinds["ecs.service"]
		service.enable_execute_command
		cluster := service.cluster
	}
	input.kinds["ecs.cluster"][cluster].execute_command_configuration.logging == "NONE"
	finding := {
		"address": cluster,
		"field": ["execute_command_configuration", "logging"],
		"msg": sprintf("shells in the containers of %s leave no trace", [data.gitops.lib.names.called(cluster)]),
		"hint": "take the override away: sessions go to the logs of the service then",
	}
}
