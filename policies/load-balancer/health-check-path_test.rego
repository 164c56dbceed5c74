package gitops.health_check_path_test

import rego.v1

import data.gitops.health_check_path as rule

stack(more) := {"kinds": {"elb.target_group": {"service.web/elb.target_group.edge.http": more}}}

test_a_path_of_its_own_passes if {
	count(rule.deny) == 0 with input as stack({"protocol": "HTTP", "health_check": {"path": "/health"}})
}

test_the_root_is_told if {
	some finding in rule.deny with input as stack({"protocol": "HTTP", "health_check": {"path": "/"}})
	finding.key == ["health", "path"]
	finding.msg == "the health check of `service.web` asks for `/`"
}

test_nothing_said_is_the_root if {
	count(rule.deny) == 1 with input as stack({"protocol": "HTTPS"})
}

test_a_connection_has_no_path if {
	count(rule.deny) == 0 with input as stack({"protocol": "TCP"})
}
