# METADATA
# title: Compressed answers
# description: Distributions compress answers for viewers that take that.
# scope: package
# custom:
#   id: compression
#   level: advisory
#   severity: low
#   why: Pages come faster, and CloudFront charges by the byte.
package gitops.compression

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	not object.get(distribution, ["default_behavior", "compress"], false)
	finding := {
		"address": address,
		"field": ["default_behavior", "compress"],
		"msg": sprintf("%s sends answers uncompressed", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away, or say `true`",
	}
}
