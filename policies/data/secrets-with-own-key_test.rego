package gitops.secrets_with_own_key_test

import rego.v1

import data.gitops.secrets_with_own_key as rule

stack(more) := {"kinds": {"ssm.parameter": {"parameter.x/ssm.parameter": more}}}

test_a_key_passes if {
	count(rule.deny) == 0 with input as stack({"type": "SecureString", "key_id": "arn:aws:kms:eu-west-1:123456789012:key/1"})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({"type": "SecureString"})
	finding.msg == "`parameter.x` is encrypted with a key of AWS's own"
	finding.key == ["key"]
}

test_that_of_aws_is_told if {
	count(rule.deny) == 1 with input as stack({"type": "SecureString", "key_id": "alias/aws/ssm"})
}

test_plain_text_has_no_key if {
	count(rule.deny) == 0 with input as stack({"type": "String", "value": "x"})
}
