package gitops.ingress_only_from_cloudfront_test

import rego.v1

import data.gitops.ingress_only_from_cloudfront as rule

edge := "load_balancer.edge/ec2.security_group"

tcp(port, peer) := {"protocol": "tcp", "from_port": port, "to_port": port, "peer": peer}

stack(groups, ingress, lb) := {
	"kinds": {
		"ec2.security_group": {
			edge: {"ingress": ingress, "egress": []},
			"service.web/ec2.security_group": {
				"ingress": [tcp(8080, {"group": edge})],
				"egress": [tcp(443, {"prefix_list": "pl-s3"})],
			},
		},
		"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": {"security_groups": groups}},
	},
	"facts": {
		"public": [object.union({"address": "load_balancer.edge/elb.load_balancer"}, lb)],
		"prefix_lists": {"com.amazonaws.global.cloudfront.origin-facing": "pl-4fa04526", "com.amazonaws.eu-west-1.s3": "pl-s3"},
	},
}

test_cloudfronts_list_passes if {
	doc := stack([edge], [tcp(443, {"prefix_list": "pl-4fa04526"})], {})
	count(rule.deny) == 0 with input as doc
	count(rule.unknown) == 0 with input as doc
}

offline(list) := {"kinds": doc.kinds, "facts": object.remove(doc.facts, ["prefix_lists"])} if {
	doc := stack([edge], [tcp(443, {"prefix_list": list})], {})
}

test_offline_the_list_has_no_id_and_passes if {
	count(rule.deny) == 0 with input as offline("(known online)")
	count(rule.unknown) == 0 with input as offline("(known online)")
}

test_offline_an_id_is_unknown if {
	count(rule.deny) == 0 with input as offline("pl-4fa04526")
	some finding in rule.unknown with input as offline("pl-4fa04526")
	finding.fact == "the name of pl-4fa04526"
}

test_a_block_is_refused_however_small if {
	some finding in rule.deny with input as stack([edge], [tcp(443, {"cidr_ipv4": "203.0.113.7/32"})], {})
	finding.msg == "`load_balancer.edge` faces the internet behind CloudFront and lets tcp 443 in from 203.0.113.7/32, which is not CloudFront"
}

test_a_group_is_refused if {
	count(rule.deny) == 1 with input as stack([edge], [tcp(443, {"group": "service.web/ec2.security_group"})], {})
}

test_the_list_of_s3_is_not_cloudfronts if {
	count(rule.deny) == 1 with input as stack([edge], [tcp(443, {"prefix_list": "pl-s3"})], {})
}

test_one_that_everybody_may_reach_passes if {
	doc := stack([edge], [tcp(443, {"cidr_ipv4": "0.0.0.0/0"})], {"exempt": "customers reach it"})
	count(rule.deny) == 0 with input as doc
}

test_a_rule_beside_the_group_counts if {
	beside := {"kinds": {"ec2.security_group_rule": {"service.web/ec2.security_group_rule.more": {
		"direction": "ingress",
		"security_group": edge,
		"rule": tcp(443, {"cidr_ipv4": "198.51.100.0/24"}),
	}}}}
	doc := object.union(stack([edge], [tcp(443, {"prefix_list": "pl-4fa04526"})], {}), beside)
	some finding in rule.deny with input as doc
	finding.address == "service.web/ec2.security_group_rule.more"
	finding.field == ["rule"]
}

test_a_group_of_others_is_unknown if {
	doc := stack(["sg-0123"], [], {})
	count(rule.deny) == 0 with input as doc
	some finding in rule.unknown with input as doc
	finding.fact == "the rules of sg-0123"
}
