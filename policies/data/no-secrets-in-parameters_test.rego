package gitops.no_secrets_in_parameters_test

import rego.v1

import data.gitops.no_secrets_in_parameters as rule

stack(more) := {"kinds": {"ssm.parameter": {"parameter.x/ssm.parameter": more}}}

# Nothing that looks like a secret stands in a file of the repository: the texts are put together here.
access_key := concat("", ["AKIA", "QRSTUVWXYZ234567"])

test_ordinary_texts_pass if {
	every text in ["Hello from Git", "https://example.org/a@b", ""] {
		count(rule.deny) == 0 with input as stack({"type": "String", "value": text})
	}
}

test_a_secret_is_named_and_not_shown if {
	some finding in rule.deny with input as stack({"type": "String", "value": access_key})
	finding.msg == "`parameter.x` has an access key of AWS in plain text"
	finding.key == ["value"]
	not contains(json.marshal(finding), "QRSTUVWXYZ")
}

test_one_of_several_is_told if {
	count(rule.deny) == 1 with input as stack({"type": "StringList", "value": "a,postgres://app:hunter2@db/app"})
}

test_what_is_generated_has_no_text if {
	count(rule.deny) == 0 with input as stack({"type": "SecureString", "generate": {"bytes": 32}})
}
