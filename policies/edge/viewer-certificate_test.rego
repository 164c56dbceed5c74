package gitops.viewer_certificate_test

import rego.v1

import data.gitops.viewer_certificate as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

test_a_certificate_passes if {
	count(rule.deny) == 0 with input as stack({"certificate": {"arn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({})
	contains(finding.msg, "`distribution.site` shows CloudFront's own certificate")
}

test_the_key_to_write_is_told if {
	some finding in rule.deny with input as stack({})
	finding.key == ["certificate"]
}

test_a_stack_without_distributions_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
