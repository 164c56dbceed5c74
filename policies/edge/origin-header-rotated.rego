# METADATA
# title: Secret headers change
# description: The secret header between a distribution and its load balancer is made anew from time to time.
# scope: package
# custom:
#   id: origin-header-rotated
#   level: advisory
#   severity: medium
#   why: Everybody who may read the distribution reads it in the clear, and keeps it when he leaves.
package gitops.origin_header_rotated

import rego.v1

deny contains finding if {
	some distribution in input.kinds["cloudfront.distribution"]
	some origin in distribution.origins
	some parameter in origin.custom_headers
	is_string(parameter)
	spec := input.kinds["ssm.parameter"][parameter]
	not spec.max_age_days
	finding := {
		"address": parameter,
		"field": ["max_age_days"],
		"key": ["origin_header", "every"],
		"msg": sprintf("the secret header of %s is never made anew", [data.gitops.lib.names.called(parameter)]),
		"hint": "say how often, in `origin_header`: `every = \"30d\"`; no request is refused meanwhile",
	}
}
