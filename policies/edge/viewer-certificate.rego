# METADATA
# title: A certificate of its own
# description: Distributions have a certificate and names of their own, shown by SNI.
# scope: package
# custom:
#   id: viewer-certificate
#   level: advisory
#   severity: medium
#   why: With CloudFront's own certificate viewers may use TLS 1.0, and no name of yours leads to the distribution.
#   fsbp:
#     - CloudFront.7
#     - CloudFront.8
#   checkov:
#     - CKV2_AWS_42
#   trivy:
#     - AVD-AWS-0013
#   guard:
#     - CLOUDFRONT_CUSTOM_SSL_CERTIFICATE
#     - CLOUDFRONT_SNI_ENABLED
#     - CLOUDFRONT_MINIMUM_PROTOCOL_VERSION_RULE
package gitops.viewer_certificate

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	not distribution.certificate.arn
	finding := {
		"address": address,
		"field": ["certificate"],
		"key": ["certificate"],
		"msg": sprintf("%s shows CloudFront's own certificate, with which viewers may use TLS 1.0", [data.gitops.lib.names.called(address)]),
		"hint": "say `domains` and a `certificate` for them, of ACM in us-east-1",
	}
}
