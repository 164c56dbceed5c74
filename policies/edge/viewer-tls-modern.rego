# METADATA
# title: Modern TLS for viewers
# description: The security policy for viewers of a distribution with a certificate is TLSv1.2_2021 or later.
# scope: package
# custom:
#   id: viewer-tls-modern
#   level: soft
#   severity: high
#   why: Earlier policies have TLS 1.0 and 1.1 or ciphers without authentication of what is encrypted (CBC), all with known attacks.
#   fsbp:
#     - CloudFront.15
#   checkov:
#     - CKV_AWS_174
#   trivy:
#     - AVD-AWS-0013
#   guard:
#     - CLOUDFRONT_MINIMUM_PROTOCOL_VERSION_RULE
package gitops.viewer_tls_modern

import rego.v1

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html
old := {"SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019"}

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	policy := distribution.certificate.minimum_protocol_version
	is_old(policy)
	finding := {
		"address": address,
		"field": ["certificate", "minimum_protocol_version"],
		"key": ["tls_policy"],
		"msg": sprintf("%s lets viewers use old versions or ciphers of TLS: `%s`", [data.gitops.lib.names.called(address), policy]),
		"hint": "leave `tls_policy` out, or say `tls_policy = \"TLSv1.2_2021\"`",
	}
}

is_old(policy) if policy in old

is_old(policy) if startswith(policy, "TLSv1.1")
