package gitops.tls_policy_modern_test

import rego.v1

import data.gitops.tls_policy_modern as rule

stack(protocol, more) := {"kinds": {"elb.listener": {"load_balancer.edge/elb.listener.443": object.union({"port": 443, "protocol": protocol}, more)}}}

said(policy) := stack("HTTPS", {"ssl_policy": policy})

test_policies_with_tls_12_and_later_pass if {
	every policy in [
		"ELBSecurityPolicy-TLS13-1-2-2021-06",
		"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
		"ELBSecurityPolicy-TLS13-1-3-2021-06",
		"ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
		"ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
		"ELBSecurityPolicy-FS-1-2-Res-2020-10",
	] {
		count(rule.deny) == 0 with input as said(policy)
	}
}

test_older_ones_are_told if {
	every policy in [
		"ELBSecurityPolicy-2016-08",
		"ELBSecurityPolicy-TLS-1-0-2015-04",
		"ELBSecurityPolicy-TLS-1-1-2017-01",
		"ELBSecurityPolicy-TLS13-1-0-2021-06",
		"ELBSecurityPolicy-TLS13-1-1-2021-06",
		"ELBSecurityPolicy-FS-2018-06",
		"ELBSecurityPolicy-FS-1-1-2019-08",
	] {
		count(rule.deny) == 1 with input as said(policy)
	}
}

test_none_is_the_oldest if {
	some finding in rule.deny with input as stack("TLS", {})
	contains(finding.msg, "`ELBSecurityPolicy-2016-08`")
	finding.key == ["listeners", "443", "tls_policy"]
}

test_without_tls_there_is_no_policy if {
	count(rule.deny) == 0 with input as stack("HTTP", {})
}
