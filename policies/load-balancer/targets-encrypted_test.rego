package gitops.targets_encrypted_test

import rego.v1

import data.gitops.targets_encrypted as rule

stack(more) := {"kinds": {"elb.target_group": {"service.web/elb.target_group.edge.http": more}}}

test_https_and_tls_pass if {
	every protocol in ["HTTPS", "TLS"] {
		count(rule.deny) == 0 with input as stack({"protocol": protocol, "port": 8443})
	}
}

test_http_is_told if {
	some finding in rule.deny with input as stack({"protocol": "HTTP", "port": 8080})
	finding.msg == "what a load balancer sends to `service.web` is not encrypted: HTTP on port 8080"
}

test_so_are_connections if {
	count(rule.deny) == 1 with input as stack({"protocol": "TCP", "port": 8080})
}

test_a_stack_without_target_groups_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
