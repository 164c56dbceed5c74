package gitops.web_acl_test

import rego.v1

import data.gitops.web_acl as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

test_a_web_acl_passes if {
	count(rule.deny) == 0 with input as stack({"web_acl": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b"})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({})
	finding.key == ["web_acl"]
	contains(finding.msg, "`distribution.site`")
}

test_an_empty_one_is_none if {
	count(rule.deny) == 1 with input as stack({"web_acl": ""})
}

test_a_stack_without_distributions_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
