# METADATA
# title: Modern TLS to origins
# description: Distributions speak TLS 1.2 or later with their origins, and nothing older.
# scope: package
# custom:
#   id: origin-tls-modern
#   level: soft
#   severity: high
#   why: SSL 3, TLS 1.0 and TLS 1.1 have known attacks, and each load balancer of this agent speaks TLS 1.2.
#   fsbp:
#     - CloudFront.10
#   checkov:
#     - CKV2_AWS_54
package gitops.origin_tls_modern

import rego.v1

old := {"SSLv3", "TLSv1", "TLSv1.1"}

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	some id, origin in distribution.origins
	found := [version | some version in origin.custom.ssl_protocols; version in old]
	count(found) > 0
	finding := {
		"address": address,
		"field": ["origins", id, "custom", "ssl_protocols"],
		"key": ["origin"],
		"msg": sprintf("%s may speak %s with its origin `%s`", [
			data.gitops.lib.names.called(address),
			concat(" and ", sort(found)),
			id,
		]),
		"hint": "take the override away, or say `[\"TLSv1.2\"]`",
	}
}
