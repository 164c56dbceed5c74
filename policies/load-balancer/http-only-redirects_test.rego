package gitops.http_only_redirects_test

import rego.v1

import data.gitops.http_only_redirects as rule

balancer := "load_balancer.edge/elb.load_balancer"

stack(scheme, listener, more) := {"kinds": object.union(
	{
		"elb.load_balancer": {balancer: {"scheme": scheme}},
		"elb.listener": {"load_balancer.edge/elb.listener.80": object.union(
			{"load_balancer": balancer, "port": 80, "protocol": "HTTP"},
			listener,
		)},
	},
	more,
)}

forward := {"default_action": {"forward": {"target_groups": []}}}

redirect(protocol) := {"default_action": {"redirect": {"protocol": protocol, "port": "443"}}}

test_a_listener_that_answers_is_told if {
	some finding in rule.deny with input as stack("internet-facing", forward, {})
	finding.msg == "`load_balancer.edge` faces the internet and answers over HTTP on port 80"
	finding.key == ["listeners", "80"]
}

test_a_redirect_to_https_passes if {
	count(rule.deny) == 0 with input as stack("internet-facing", redirect("HTTPS"), {})
}

test_a_redirect_to_http_does_not if {
	count(rule.deny) == 1 with input as stack("internet-facing", redirect("HTTP"), {})
}

test_an_internal_one_may_answer_over_http if {
	count(rule.deny) == 0 with input as stack("internal", forward, {})
}

test_https_passes if {
	count(rule.deny) == 0 with input as stack("internet-facing", object.union(forward, {"protocol": "HTTPS"}), {})
}

test_what_a_distribution_asks_is_told_elsewhere if {
	site := {"distribution.site/cloudfront.distribution": {"origins": {"load_balancer.edge": {"custom": {
		"protocol_policy": "http-only",
		"http_port": 80,
	}}}}}
	count(rule.deny) == 0 with input as stack("internet-facing", forward, {"cloudfront.distribution": site})
}

test_a_rule_that_forwards_beside_the_redirect_is_told if {
	rules := {"service.web/elb.rule.edge.80": {
		"listener": "load_balancer.edge/elb.listener.80",
		"action": {"forward": {"target_groups": []}},
	}}
	some finding in rule.deny with input as stack("internet-facing", redirect("HTTPS"), {"elb.rule": rules})
	finding.key == ["expose"]
	contains(finding.msg, "on port 80 of `load_balancer.edge`")
}
