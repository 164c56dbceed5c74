package gitops.default_root_object_test

import rego.v1

import data.gitops.default_root_object as rule

stack(more) := {"kinds": {"cloudfront.distribution": {"distribution.site/cloudfront.distribution": more}}}

test_an_object_passes if {
	count(rule.deny) == 0 with input as stack({"default_root_object": "index.html"})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({})
	finding.key == ["root_object"]
	finding.msg == "`distribution.site` has no object for `/`"
}

test_an_empty_one_is_none if {
	count(rule.deny) == 1 with input as stack({"default_root_object": ""})
}

test_a_stack_without_distributions_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
