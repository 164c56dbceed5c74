package gitops.health_check_on_traffic_port_test

import rego.v1

import data.gitops.health_check_on_traffic_port as rule

stack(more) := {"kinds": {"elb.target_group": {"service.web/elb.target_group.edge.http": more}}}

test_the_port_of_requests_passes if {
	count(rule.deny) == 0 with input as stack({"port": 8080, "health_check": {"port": "traffic-port"}})
}

test_its_number_passes_too if {
	count(rule.deny) == 0 with input as stack({"port": 8080, "health_check": {"port": "8080"}})
}

test_another_port_is_told if {
	some finding in rule.deny with input as stack({"port": 8080, "health_check": {"port": "9090"}})
	finding.msg == "requests for `service.web` go to port 8080, and its health is asked on port 9090"
}

test_nothing_said_is_the_port_of_requests if {
	count(rule.deny) == 0 with input as stack({"port": 8080})
}
