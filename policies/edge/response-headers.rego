# METADATA
# title: Headers for browsers
# description: Distributions have a response headers policy, for all paths.
# scope: package
# custom:
#   id: response-headers
#   level: off
#   severity: low
#   why: Headers such as Strict-Transport-Security and Content-Security-Policy keep browsers from much; most programs set them by themselves.
#   checkov:
#     - CKV2_AWS_32
package gitops.response_headers

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	behaviors := array.concat([distribution.default_behavior], [rule.behavior | some rule in object.get(distribution, "behaviors", [])])
	some behavior in behaviors
	not behavior.response_headers_policy
	finding := {
		"address": address,
		"field": ["default_behavior", "response_headers_policy"],
		"msg": sprintf("%s adds no headers for browsers to answers", [data.gitops.lib.names.called(address)]),
		"hint": sprintf("name a policy, such as AWS's SecurityHeadersPolicy, in `[%s.override.\"cloudfront.distribution\"]`: `default_behavior.response_headers_policy = \"67f7725c-6f97-4210-82d7-5512b31e9d03\"`", [data.gitops.lib.names.component(address)]),
	}
}
