# METADATA
# title: Time to finish requests
# description: Targets that go have some time to finish the requests that they have (deregistration delay), and ten minutes at most.
# scope: package
# custom:
#   id: drain-time
#   level: advisory
#   severity: medium
#   why: Without it each deployment cuts requests off. With too much of it each deployment waits as long as the slowest connection.
package gitops.drain_time

import rego.v1

deny contains finding if {
	some address, group in input.kinds["elb.target_group"]
	seconds := object.get(group, "deregistration_delay_timeout_seconds", 300)
	what := matter(seconds)
	finding := {
		"address": address,
		"field": ["deregistration_delay_timeout_seconds"],
		"key": ["deploy", "drain"],
		"msg": sprintf("tasks of %s that go have %d seconds to finish their requests: %s", [
			data.gitops.lib.names.called(address),
			seconds,
			what,
		]),
		"hint": "say somewhat more than the slowest request takes: `deploy = { drain = 60 }`",
	}
}

matter(seconds) := "what is under way is cut off" if seconds < 5

matter(seconds) := "a deployment can take as long for each of its batches" if seconds > 600
