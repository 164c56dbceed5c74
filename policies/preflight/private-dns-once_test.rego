package gitops.private_dns_once_test

import rego.v1

import data.gitops.private_dns_once as rule

link := {
	"service": "network.main/ec2.vpc_endpoint.logs-2",
	"because": "is found under the names of com.amazonaws.eu-west-1.logs",
	"verdict": "no",
	"hop": "what must hold",
	"lacks": "network.main/ec2.vpc_endpoint.logs and network.main/ec2.vpc_endpoint.logs-2 both have private DNS for it",
	"address": "network.main/ec2.vpc_endpoint.logs-2",
	"field": ["private_dns_enabled"],
	"line": {"component": "network.main", "key": ["endpoints"]},
	"hint": "mend it",
}

facts(links) := {"facts": {"preflight": {"private-dns-once": links}}}

test_what_holds_passes if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {}}}
	count(rule.deny) == 0 with input as {}
}

test_a_broken_link_is_told_with_what_it_is_for if {
	some finding in rule.deny with input as facts([link])
	finding.msg == "`network.main` is found under the names of com.amazonaws.eu-west-1.logs, but network.main/ec2.vpc_endpoint.logs and network.main/ec2.vpc_endpoint.logs-2 both have private DNS for it"
	finding.hint == "mend it"
}

test_it_points_at_the_field_of_the_resource_that_decides if {
	some finding in rule.deny with input as facts([link])
	finding.address == "network.main/ec2.vpc_endpoint.logs-2"
	finding.field == ["private_dns_enabled"]
	finding.component == "network.main"
}

test_each_broken_link_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as facts([link, object.union(link, {"lacks": "something else"})])
}

test_links_of_other_rules_are_none_of_its_business if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {"another-rule": [link]}}}
}
