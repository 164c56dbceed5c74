package gitops.viewer_tls_modern_test

import rego.v1

import data.gitops.viewer_tls_modern as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

policy(name) := stack({"certificate": {"arn": "arn", "minimum_protocol_version": name}})

test_newer_policies_pass if {
	every name in ["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"] {
		count(rule.deny) == 0 with input as policy(name)
	}
}

test_older_policies_are_told if {
	every name in ["SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019"] {
		count(rule.deny) == 1 with input as policy(name)
	}
}

test_the_key_and_the_policy_are_told if {
	some finding in rule.deny with input as policy("TLSv1.1_2016")
	finding.key == ["tls_policy"]
	contains(finding.msg, "`TLSv1.1_2016`")
}

test_without_a_certificate_another_rule_speaks if {
	count(rule.deny) == 0 with input as stack({})
}

test_a_certificate_brings_the_newer_one if {
	count(rule.deny) == 0 with input as stack({"certificate": {"arn": "arn"}})
}
