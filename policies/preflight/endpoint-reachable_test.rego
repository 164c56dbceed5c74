package gitops.endpoint_reachable_test

import rego.v1

import data.gitops.endpoint_reachable as rule

link := {
	"service": "service.web/ecs.service",
	"because": "pulls the image hello:1",
	"verdict": "no",
	"hop": "what must hold",
	"lacks": "service.web/ec2.security_group does not let TCP 443 out to network.main/ec2.vpc_endpoint.ecr-api",
	"address": "service.web/ec2.security_group",
	"field": ["egress"],
	"line": {"component": "service.web", "key": []},
	"hint": "mend it",
}

facts(links) := {"facts": {"preflight": {"endpoint-reachable": links}}}

test_what_holds_passes if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {}}}
	count(rule.deny) == 0 with input as {}
}

test_a_broken_link_is_told_with_what_it_is_for if {
	some finding in rule.deny with input as facts([link])
	finding.msg == "`service.web` pulls the image hello:1, but service.web/ec2.security_group does not let TCP 443 out to network.main/ec2.vpc_endpoint.ecr-api"
	finding.hint == "mend it"
}

test_it_points_at_the_field_of_the_resource_that_decides if {
	some finding in rule.deny with input as facts([link])
	finding.address == "service.web/ec2.security_group"
	finding.field == ["egress"]
	finding.component == "service.web"
}

test_each_broken_link_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as facts([link, object.union(link, {"lacks": "something else"})])
}

test_links_of_other_rules_are_none_of_its_business if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {"another-rule": [link]}}}
}
