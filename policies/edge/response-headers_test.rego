package gitops.response_headers_test

import rego.v1

import data.gitops.response_headers as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

policy := {"response_headers_policy": "67f7725c-6f97-4210-82d7-5512b31e9d03"}

test_a_policy_passes if {
	count(rule.deny) == 0 with input as stack({"default_behavior": policy})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({"default_behavior": {}})
	finding.field == ["default_behavior", "response_headers_policy"]
}

test_none_for_a_path_is_told if {
	count(rule.deny) == 1 with input as stack({"default_behavior": policy, "behaviors": [{"path": "/a", "behavior": {}}]})
}

test_several_paths_are_one_finding if {
	count(rule.deny) == 1 with input as stack({"default_behavior": {}, "behaviors": [{"path": "/a", "behavior": {}}]})
}
