package gitops.origin_header_secret_test

import rego.v1

import data.gitops.origin_header_secret as rule

parameter := "load_balancer.edge/ssm.parameter.origin-header"

stack(value, spec) := {"kinds": {
	"cloudfront.distribution": {"distribution.site/cloudfront.distribution": {"origins": {"load_balancer.edge": {"custom_headers": {"X-Origin-Verify": value}}}}},
	"ssm.parameter": {"load_balancer.edge/ssm.parameter.origin-header": spec},
}}

good := {"type": "SecureString", "generate": {"bytes": 32}}

test_a_generated_secret_passes if {
	count(rule.deny) == 0 with input as stack(parameter, good)
}

test_a_word_that_is_written_down_is_refused if {
	some finding in rule.deny with input as stack({"secret": "0123456789abcdef"}, good)
	finding.msg == "the header `X-Origin-Verify` that `distribution.site` sends to `load_balancer.edge` has a value that is written down"
}

test_its_digest_is_not_shown if {
	every finding in rule.deny {
		not contains(json.marshal(finding), "0123456789abcdef")
	} with input as stack({"secret": "0123456789abcdef"}, good)
}

test_a_reference_to_what_is_not_there_is_refused if {
	count(rule.deny) == 1 with input as stack("service.web/ssm.parameter.other", good)
}

test_a_parameter_that_is_plain_text_is_refused if {
	some finding in rule.deny with input as stack(parameter, {"type": "String", "value": "a"})
	contains(finding.msg, "which is no SecureString")
}

test_one_that_nobody_generates_is_refused if {
	some finding in rule.deny with input as stack(parameter, {"type": "SecureString"})
	contains(finding.msg, "which nobody generates")
}
