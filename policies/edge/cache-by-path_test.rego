package gitops.cache_by_path_test

import rego.v1

import data.gitops.cache_by_path as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

default_behavior(policy, methods) := stack({"default_behavior": {"cache_policy": policy, "allowed_methods": methods}})

test_nothing_is_kept_passes if {
	count(rule.deny) == 0 with input as default_behavior("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", ["GET", "POST"])
}

test_all_is_kept_of_what_viewers_write_to_is_told if {
	some finding in rule.deny with input as default_behavior("658327ea-f89d-4fab-a63d-7e88639e58f6", ["GET", "POST"])
	finding.key == ["cache"]
}

test_what_is_only_read_may_be_kept if {
	count(rule.deny) == 0 with input as default_behavior("658327ea-f89d-4fab-a63d-7e88639e58f6", ["GET", "HEAD"])
}

test_a_policy_of_ones_own_may_know_better if {
	count(rule.deny) == 0 with input as default_behavior("11111111-2222-3333-4444-555555555555", ["GET", "POST"])
}
