package gitops.viewers_over_https_test

import rego.v1

import data.gitops.viewers_over_https as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

default_behavior(policy) := stack({"default_behavior": {"viewer_protocol_policy": policy}})

of_path(policy) := stack({"behaviors": [{"path": "/a/*", "behavior": {}}, {"path": "/static/*", "behavior": {"viewer_protocol_policy": policy}}]})

test_https_and_redirects_pass if {
	every policy in ["https-only", "redirect-to-https"] {
		count(rule.deny) == 0 with input as default_behavior(policy)
		count(rule.deny) == 0 with input as of_path(policy)
	}
}

test_both_is_told if {
	some finding in rule.deny with input as default_behavior("allow-all")
	finding.msg == "`distribution.site` answers viewers over HTTP"
	finding.field == ["default_behavior", "viewer_protocol_policy"]
}

test_of_a_path_too if {
	some finding in rule.deny with input as of_path("allow-all")
	finding.msg == "`distribution.site` answers viewers of `/static/*` over HTTP"
	finding.key == ["paths", "1"]
}

test_viewers_are_redirected_where_nothing_is_said if {
	count(rule.deny) == 0 with input as stack({"default_behavior": {}})
}
