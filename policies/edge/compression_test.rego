package gitops.compression_test

import rego.v1

import data.gitops.compression as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

test_compressed_answers_pass if {
	count(rule.deny) == 0 with input as stack({"default_behavior": {"compress": true}})
}

test_others_are_told if {
	some finding in rule.deny with input as stack({"default_behavior": {"compress": false}})
	finding.msg == "`distribution.site` sends answers uncompressed"
}

test_cloudfront_does_not_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({"default_behavior": {}})
}

test_a_stack_without_distributions_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
