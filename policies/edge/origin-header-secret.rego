# METADATA
# title: Secret headers are secrets
# description: The headers that a distribution adds to the requests to its origins have values that the agent generated and keeps as a SecureString, never words from a manifest.
# scope: package
# custom:
#   id: origin-header-secret
#   level: hard
#   severity: critical
#   why: Whoever reads the repository knows a word that is written there, and gets past CloudFront with it.
package gitops.origin_header_secret

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	some id, origin in distribution.origins
	some name, value in origin.custom_headers
	why := open(value)
	finding := {
		"address": address,
		"field": ["origins", id, "custom_headers", name],
		"key": ["origin"],
		"msg": sprintf("the header `%s` that %s sends to `%s` %s", [name, data.gitops.lib.names.called(address), id, why]),
		"hint": sprintf("let the load balancer ask for the header: `origin_header = { name = \"%s\" }`; its value is generated, and the distribution sends it", [name]),
	}
}

# A secret that is written down is seen here as its digest; a reference as the address of what it refers to.
open(value) := "has a value that is written down" if not is_string(value)

open(value) := "has a value that is written down" if {
	is_string(value)
	not input.kinds["ssm.parameter"][value]
}

open(value) := sprintf("has its value from `%s`, which is no SecureString", [value]) if {
	input.kinds["ssm.parameter"][value].type != "SecureString"
}

open(value) := sprintf("has its value from `%s`, which nobody generates", [value]) if {
	parameter := input.kinds["ssm.parameter"][value]
	parameter.type == "SecureString"
	not parameter.generate
}
