package gitops.tls_forward_secrecy_test

import rego.v1

import data.gitops.tls_forward_secrecy as rule

stack(more) := {"kinds": {"elb.listener": {"load_balancer.edge/elb.listener.443": object.union({"port": 443, "protocol": "HTTPS"}, more)}}}

test_policies_with_it_pass if {
	every policy in ["ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-FS-1-2-Res-2020-10"] {
		count(rule.deny) == 0 with input as stack({"ssl_policy": policy})
	}
}

test_policies_with_more_ciphers_are_told if {
	every policy in ["ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", "ELBSecurityPolicy-TLS13-1-2-Ext2-PQ-2025-09", "ELBSecurityPolicy-TLS-1-2-2017-01"] {
		count(rule.deny) == 1 with input as stack({"ssl_policy": policy})
	}
}

test_the_key_of_the_listener_is_told if {
	some finding in rule.deny with input as stack({"ssl_policy": "ELBSecurityPolicy-TLS-1-2-Ext-2018-06"})
	finding.key == ["listeners", "443", "tls_policy"]
}

test_without_a_policy_there_is_nothing_to_say if {
	count(rule.deny) == 0 with input as stack({})
}
