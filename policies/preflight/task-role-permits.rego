# METADATA
# title: Task role permits
# description: ECS may take on the task role of each service, and with it tasks fetch their config files and let people open a shell where ECS Exec is on.
# scope: package
# custom:
#   id: task-role-permits
#   level: hard
#   severity: high
#   why: Without the right to its config files a task ends at once; without those of ECS Exec nobody gets a shell when one is needed.
package gitops.task_role_permits

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["task-role-permits"]
}
