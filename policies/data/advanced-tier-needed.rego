# METADATA
# title: The advanced tier where it is needed
# description: Parameters of the advanced tier are too large for the standard one.
# scope: package
# custom:
#   id: advanced-tier-needed
#   level: advisory
#   severity: low
#   why: AWS charges for each of them each month, and takes one back to the standard tier only by making it anew.
package gitops.advanced_tier_needed

import rego.v1

deny contains finding if {
	some address, parameter in input.kinds["ssm.parameter"]
	parameter.tier == "Advanced"

	# Bytes are at least as many as characters.
	count(object.get(parameter, "value", "")) <= 1024
	finding := {
		"address": address,
		"field": ["tier"],
		"key": ["tier"],
		"msg": sprintf("%s would fit into the standard tier, which costs nothing", [data.gitops.lib.names.called(address)]),
		"hint": "leave `tier` out; a parameter that is there already is made anew then",
	}
}
