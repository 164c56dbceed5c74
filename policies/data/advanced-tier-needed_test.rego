package gitops.advanced_tier_needed_test

import rego.v1

import data.gitops.advanced_tier_needed as rule

stack(more) := {"kinds": {"ssm.parameter": {"parameter.x/ssm.parameter": more}}}

test_the_standard_tier_passes if {
	count(rule.deny) == 0 with input as stack({"tier": "Standard", "value": "x"})
}

test_a_short_text_is_told if {
	some finding in rule.deny with input as stack({"tier": "Advanced", "value": "x"})
	finding.key == ["tier"]
	finding.msg == "`parameter.x` would fit into the standard tier, which costs nothing"
}

test_a_long_text_passes if {
	long := concat("", [text | some _ in numbers.range(1, 500); text := "0123456789"])
	count(rule.deny) == 0 with input as stack({"tier": "Advanced", "value": long})
}

test_what_is_generated_is_short if {
	count(rule.deny) == 1 with input as stack({"tier": "Advanced", "generate": {"bytes": 32}})
}
