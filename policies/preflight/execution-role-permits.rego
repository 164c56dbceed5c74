# METADATA
# title: Execution role permits
# description: ECS may take on the execution role of each service, and with it pull the images, write the logs and read the secrets that the task definition names, with the right to decrypt where a parameter has a key of its own.
# scope: package
# custom:
#   id: execution-role-permits
#   level: hard
#   severity: high
#   why: A right that the execution role lacks stops every task before it starts, with an error that only the stopped task has.
package gitops.execution_role_permits

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["execution-role-permits"]
}
