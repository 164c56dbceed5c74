package gitops.origin_over_https_test

import rego.v1

import data.gitops.origin_over_https as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

origin(policy, viewers) := {
	"default_behavior": {"target_origin": "load_balancer.edge", "viewer_protocol_policy": viewers},
	"origins": {"load_balancer.edge": {"custom": {"protocol_policy": policy, "http_port": 80}}},
}

test_https_passes if {
	count(rule.deny) == 0 with input as stack(origin("https-only", "redirect-to-https"))
}

test_http_is_told if {
	some finding in rule.deny with input as stack(origin("http-only", "redirect-to-https"))
	finding.msg == "`distribution.site` asks its origin `load_balancer.edge` over HTTP"
	finding.key == ["origin"]
}

test_as_viewers_do_passes_where_they_speak_https if {
	count(rule.deny) == 0 with input as stack(origin("match-viewer", "https-only"))
}

test_as_viewers_do_is_told_where_they_speak_http if {
	some finding in rule.deny with input as stack(origin("match-viewer", "allow-all"))
	contains(finding.msg, "over HTTP when viewers come over HTTP")
}

test_of_a_path_too if {
	base := origin("match-viewer", "https-only")
	rules := {"behaviors": [{"path": "/a/*", "behavior": {"target_origin": "load_balancer.edge", "viewer_protocol_policy": "allow-all"}}]}
	count(rule.deny) == 1 with input as stack(object.union(base, rules))
}

test_the_listener_that_decides_is_told if {
	doc := {"kinds": {
		"cloudfront.distribution": {"distribution.site/cloudfront.distribution": origin("http-only", "https-only")},
		"elb.listener": {"load_balancer.edge/elb.listener.80": {"protocol": "HTTP"}},
	}}
	some finding in rule.deny with input as doc
	finding.component == "load_balancer.edge"
	finding.key == ["listeners", "80"]
}
