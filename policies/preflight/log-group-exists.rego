# METADATA
# title: Log group exists
# description: The log group that a container writes to is one of the stack's, or ECS may make it.
# scope: package
# custom:
#   id: log-group-exists
#   level: hard
#   severity: high
#   why: A container whose log group is not there does not start.
package gitops.log_group_exists

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["log-group-exists"]
}
