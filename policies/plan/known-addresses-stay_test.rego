package gitops.known_addresses_stay_test

import rego.v1

import data.gitops.known_addresses_stay as rule

doc(kind, op) := {"plan": {"steps": [{"address": sprintf("a.b/%s", [kind]), "kind": kind, "op": op}]}}

test_a_load_balancer_that_is_replaced_is_told_with_what_goes if {
	some finding in rule.deny with input as doc("elb.load_balancer", "replace")
	finding.msg == "a.b/elb.load_balancer would be replaced, and its DNS name goes with it"
}

test_an_address_that_is_deleted_is_told if {
	count(rule.deny) == 1 with input as doc("ec2.elastic_ip", "delete")
}

test_a_change_in_place_is_not if {
	count(rule.deny) == 0 with input as doc("cloudfront.distribution", "update")
}

test_what_nobody_knows_is_not if {
	count(rule.deny) == 0 with input as doc("ec2.security_group", "replace")
}
