package gitops.origin_header_required_test

import rego.v1

import data.gitops.origin_header_required as rule

way := {
	"path": ["the internet", "load_balancer.edge/elb.load_balancer", "port 443", "service.web/elb.rule.edge", "service.web/elb.target_group.edge"],
	"why": "it asks for no header",
	"line": {"component": "service.web", "key": ["expose"]},
}

balancer(open, more) := object.union(
	{
		"address": "load_balancer.edge/elb.load_balancer",
		"kind": "application",
		"line": {"component": "load_balancer.edge", "key": ["scheme"]},
		"open": open,
	},
	more,
)

stack(balancers, manifest) := {"manifest": {"load_balancer.edge": manifest}, "facts": {"public": balancers}}

header := {"origin_header": {"name": "X-Origin-Verify"}}

test_a_load_balancer_without_open_ways_passes if {
	count(rule.deny) == 0 with input as stack([balancer([], {})], header)
}

test_one_that_everybody_may_reach_passes if {
	count(rule.deny) == 0 with input as stack([balancer([way], {"exempt": "customers reach it"})], {})
}

test_without_a_header_the_line_of_the_load_balancer_is_told_once if {
	doc := stack([balancer([way, way], {})], {})
	count(rule.deny) == 1 with input as doc
	some finding in rule.deny with input as doc
	finding.component == "load_balancer.edge"
	finding.key == ["scheme"]
	contains(finding.msg, "the internet → load_balancer.edge/elb.load_balancer → port 443 → service.web/elb.rule.edge → service.web/elb.target_group.edge (and 1 more)")
	contains(finding.hint, "origin_header")
}

test_a_way_past_the_header_is_told_where_it_is_opened if {
	doc := stack([balancer([way], {})], header)
	some finding in rule.deny with input as doc
	finding.component == "service.web"
	finding.key == ["expose"]
	contains(finding.msg, "(it asks for no header)")
}

test_a_network_load_balancer_is_told_that_it_reads_no_headers if {
	doc := stack([balancer([way], {"kind": "network"})], {})
	some finding in rule.deny with input as doc
	contains(finding.hint, "reads no headers")
}
