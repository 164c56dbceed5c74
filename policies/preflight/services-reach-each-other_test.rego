package gitops.services_reach_each_other_test

import rego.v1

import data.gitops.services_reach_each_other as rule

link := {
	"service": "service.web/ecs.service",
	"because": "connects to service.inbox as inbox-80",
	"verdict": "no",
	"hop": "what must hold",
	"lacks": "service.web/ec2.security_group does not let TCP 8080 out to service.inbox/ecs.service",
	"address": "service.web/ec2.security_group",
	"field": ["egress"],
	"line": {"component": "service.web", "key": []},
	"hint": "mend it",
}

facts(links) := {"facts": {"preflight": {"services-reach-each-other": links}}}

test_what_holds_passes if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {}}}
	count(rule.deny) == 0 with input as {}
}

test_a_broken_link_is_told_with_what_it_is_for if {
	some finding in rule.deny with input as facts([link])
	finding.msg == "`service.web` connects to service.inbox as inbox-80, but service.web/ec2.security_group does not let TCP 8080 out to service.inbox/ecs.service"
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
