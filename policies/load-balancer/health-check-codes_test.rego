package gitops.health_check_codes_test

import rego.v1

import data.gitops.health_check_codes as rule

stack(more) := {"kinds": {"elb.target_group": {"service.web/elb.target_group.edge.http": more}}}

codes(matcher) := stack({"health_check": {"matcher": matcher}})

test_codes_of_success_pass if {
	every matcher in ["200", "200-299", "200,204", "200-399"] {
		count(rule.deny) == 0 with input as codes(matcher)
	}
}

test_codes_of_errors_are_told if {
	every matcher in ["404", "200-499", "200,401", "200-299,404"] {
		count(rule.deny) == 1 with input as codes(matcher)
	}
}

test_the_key_of_the_service_is_told if {
	some finding in rule.deny with input as codes("200-499")
	finding.key == ["health", "codes"]
	finding.msg == "`service.web` counts as healthy when it answers with an error: `200-499`"
}

test_grpc_counts_otherwise if {
	count(rule.deny) == 0 with input as stack({"protocol_version": "GRPC", "health_check": {"matcher": "0-49"}})
}

test_a_connection_has_no_codes if {
	count(rule.deny) == 0 with input as stack({"health_check": {"protocol": "TCP"}})
}
