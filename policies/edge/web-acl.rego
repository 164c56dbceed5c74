# METADATA
# title: AWS WAF in front
# description: Distributions have a web ACL of AWS WAF.
# scope: package
# custom:
#   id: web-acl
#   level: advisory
#   severity: medium
#   why: It keeps floods of requests and well-known attacks away before they reach the load balancer.
#   fsbp:
#     - CloudFront.6
#   checkov:
#     - CKV_AWS_68
#   trivy:
#     - AVD-AWS-0011
package gitops.web_acl

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	object.get(distribution, "web_acl", "") == ""
	finding := {
		"address": address,
		"field": ["web_acl"],
		"key": ["web_acl"],
		"msg": sprintf("no web ACL of AWS WAF stands in front of %s", [data.gitops.lib.names.called(address)]),
		"hint": "say the ARN of one, of us-east-1: `web_acl = \"arn:aws:wafv2:us-east-1:…\"`; AWS charges for it by request",
	}
}
