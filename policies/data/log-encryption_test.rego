package gitops.log_encryption_test

import rego.v1

import data.gitops.log_encryption as rule

stack(more) := {"kinds": {"logs.log_group": {"service.web/logs.log_group": more}}}

test_a_key_passes if {
	count(rule.deny) == 0 with input as stack({"kms_key_id": "arn:aws:kms:eu-west-1:123456789012:key/1"})
}

test_none_is_told if {
	some finding in rule.deny with input as stack({"name": "/a"})
	finding.msg == "the logs of `service.web` are encrypted with a key of AWS's own"
}

test_the_hint_says_where_to_write_it if {
	some finding in rule.deny with input as stack({"name": "/a"})
	contains(finding.hint, "[service.web.override.\"logs.log_group\"]")
}

test_a_stack_without_logs_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
