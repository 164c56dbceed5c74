package gitops.origin_header_rotated_test

import rego.v1

import data.gitops.origin_header_rotated as rule

stack(spec) := {"kinds": {
	"cloudfront.distribution": {"distribution.site/cloudfront.distribution": {"origins": {"load_balancer.edge": {"custom_headers": {"X-Origin-Verify": "load_balancer.edge/ssm.parameter.origin-header"}}}}},
	"ssm.parameter": {"load_balancer.edge/ssm.parameter.origin-header": spec},
}}

test_one_that_is_made_anew_passes if {
	count(rule.deny) == 0 with input as stack({"type": "SecureString", "max_age_days": 30})
}

test_one_that_is_not_is_told if {
	some finding in rule.deny with input as stack({"type": "SecureString"})
	finding.msg == "the secret header of `load_balancer.edge` is never made anew"
	finding.key == ["origin_header", "every"]
}

test_other_parameters_may_stay if {
	count(rule.deny) == 0 with input as {"kinds": {"ssm.parameter": {"parameter.token/ssm.parameter": {"type": "SecureString"}}}}
}

test_two_distributions_before_one_load_balancer_are_one_finding if {
	doc := object.union(stack({"type": "SecureString"}), {"kinds": {"cloudfront.distribution": {"distribution.other/cloudfront.distribution": {"origins": {"load_balancer.edge": {"custom_headers": {"X-Origin-Verify": "load_balancer.edge/ssm.parameter.origin-header"}}}}}}})
	count(rule.deny) == 1 with input as doc
}
