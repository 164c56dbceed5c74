# METADATA
# title: Errors are no health
# description: Health checks of target groups take no status codes of errors (400 and above) for health.
# scope: package
# custom:
#   id: health-check-codes
#   level: soft
#   severity: medium
#   why: A check that takes 404 for health passes when the program has lost its routes, and a broken revision takes the place of the good one.
package gitops.health_check_codes

import rego.v1

deny contains finding if {
	some address, group in input.kinds["elb.target_group"]
	object.get(group, "protocol_version", "HTTP1") != "GRPC"
	some part in split(object.get(group, ["health_check", "matcher"], ""), ",")
	is_error(part)
	finding := {
		"address": address,
		"field": ["health_check", "matcher"],
		"key": ["health", "codes"],
		"msg": sprintf("%s counts as healthy when it answers with an error: `%s`", [
			data.gitops.lib.names.called(address),
			group.health_check.matcher,
		]),
		"hint": "take a path that answers with 200 to everybody, for the load balancer signs in nowhere: `health = { path = \"/health\" }`",
	}
}

# `404` or `200-499`.
is_error(part) if {
	bounds := split(part, "-")
	strings.any_prefix_match(trim_space(bounds[count(bounds) - 1]), ["4", "5"])
}
