# METADATA
# title: Short sessions
# description: A role is taken on for an hour at most.
# scope: package
# custom:
#   id: short-sessions
#   level: off
#   severity: low
#   why: Credentials that were stolen work for as long as the session does. Tasks get new ones by themselves.
package gitops.short_sessions

import rego.v1

deny contains finding if {
	some address, role in input.kinds["iam.role"]
	role.max_session_duration > 3600
	finding := {
		"address": address,
		"field": ["max_session_duration"],
		"msg": sprintf("a role of %s may be taken on for %d seconds: %s", [
			data.gitops.lib.names.called(address),
			role.max_session_duration,
			address,
		]),
		"hint": "say `max_session_duration = 3600`",
	}
}
