package gitops.origin_tls_modern_test

import rego.v1

import data.gitops.origin_tls_modern as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

origin(versions) := stack({"origins": {"load_balancer.edge": {"custom": {"ssl_protocols": versions}}}})

test_tls_12_passes if {
	count(rule.deny) == 0 with input as origin(["TLSv1.2"])
}

test_old_versions_are_one_finding if {
	count(rule.deny) == 1 with input as origin(["SSLv3", "TLSv1", "TLSv1.2"])
	some finding in rule.deny with input as origin(["SSLv3", "TLSv1", "TLSv1.2"])
	finding.msg == "`distribution.site` may speak SSLv3 and TLSv1 with its origin `load_balancer.edge`"
}

test_the_field_is_told if {
	some finding in rule.deny with input as origin(["TLSv1.1"])
	finding.field == ["origins", "load_balancer.edge", "custom", "ssl_protocols"]
}

test_another_sort_of_origin_has_none if {
	count(rule.deny) == 0 with input as stack({"origins": {"bucket": {"domain_name": "a.s3.amazonaws.com"}}})
}
