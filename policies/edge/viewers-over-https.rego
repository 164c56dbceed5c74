# METADATA
# title: Viewers over HTTPS
# description: Distributions answer viewers over HTTPS alone, or redirect them there.
# scope: package
# custom:
#   id: viewers-over-https
#   level: soft
#   severity: high
#   why: Over HTTP everybody on the way reads and changes requests and answers, the cookies in them too.
#   fsbp:
#     - CloudFront.3
#   checkov:
#     - CKV_AWS_34
#   trivy:
#     - AVD-AWS-0012
#   guard:
#     - CLOUDFRONT_VIEWER_POLICY_HTTPS
package gitops.viewers_over_https

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	distribution.default_behavior.viewer_protocol_policy == "allow-all"
	finding := {
		"address": address,
		"field": ["default_behavior", "viewer_protocol_policy"],
		"msg": sprintf("%s answers viewers over HTTP", [data.gitops.lib.names.called(address)]),
		"hint": hint,
	}
}

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	some n, rule in object.get(distribution, "behaviors", [])
	rule.behavior.viewer_protocol_policy == "allow-all"
	finding := {
		"address": address,
		"field": ["behaviors", format_int(n, 10), "behavior", "viewer_protocol_policy"],
		"key": ["paths", format_int(n, 10)],
		"msg": sprintf("%s answers viewers of `%s` over HTTP", [data.gitops.lib.names.called(address), rule.path]),
		"hint": hint,
	}
}

hint := "take the override away, or say `\"redirect-to-https\"` or `\"https-only\"`"
