package gitops.certificates_of_acm_test

import rego.v1

import data.gitops.certificates_of_acm as rule

iam := "arn:aws:iam::123456789012:server-certificate/example"

acm := "arn:aws:acm:eu-west-1:123456789012:certificate/1234"

stack(more) := {"kinds": {"elb.listener": {"load_balancer.edge/elb.listener.443": object.union({"port": 443, "protocol": "HTTPS"}, more)}}}

test_certificates_of_acm_pass if {
	count(rule.deny) == 0 with input as stack({"certificate": acm, "certificates": [acm]})
}

test_those_of_the_stack_pass if {
	count(rule.deny) == 0 with input as stack({"certificate": "${certificate.edge/acm.certificate.arn}"})
}

test_one_of_iam_is_told if {
	some finding in rule.deny with input as stack({"certificate": iam})
	finding.field == ["certificate"]
	finding.key == ["listeners", "443", "certificate"]
	contains(finding.msg, "not of ACM: `arn:aws:iam::123456789012:server-certificate/example`")
}

test_a_further_one_is_told_too if {
	some finding in rule.deny with input as stack({"certificate": acm, "certificates": [iam]})
	finding.field == ["certificates"]
}

test_without_a_certificate_there_is_nothing_to_say if {
	count(rule.deny) == 0 with input as stack({})
}
