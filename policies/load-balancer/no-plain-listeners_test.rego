package gitops.no_plain_listeners_test

import rego.v1

import data.gitops.no_plain_listeners as rule

stack(protocol) := {"kinds": {"elb.listener": {"load_balancer.edge/elb.listener.80": {"port": 80, "protocol": protocol}}}}

test_https_and_tls_pass if {
	every protocol in ["HTTPS", "TLS"] {
		count(rule.deny) == 0 with input as stack(protocol)
	}
}

test_http_is_told if {
	some finding in rule.deny with input as stack("HTTP")
	finding.msg == "the listener 80 of `load_balancer.edge` speaks HTTP, without encryption"
	finding.key == ["listeners", "80"]
}

test_so_are_the_protocols_of_connections if {
	every protocol in ["TCP", "UDP", "TCP_UDP"] {
		count(rule.deny) == 1 with input as stack(protocol)
	}
}

test_a_stack_without_listeners_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
