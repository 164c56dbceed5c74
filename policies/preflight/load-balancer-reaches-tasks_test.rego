package gitops.load_balancer_reaches_tasks_test

import rego.v1

import data.gitops.load_balancer_reaches_tasks as rule

link := {
	"service": "service.web/ecs.service",
	"because": "is to be reached by load_balancer.edge on port 8080",
	"verdict": "no",
	"hop": "what must hold",
	"lacks": "service.web/ec2.security_group does not let TCP 8080 in from load_balancer.edge/elb.load_balancer",
	"address": "service.web/ec2.security_group",
	"field": ["ingress"],
	"line": {"component": "service.web", "key": []},
	"hint": "mend it",
}

facts(links) := {"facts": {"preflight": {"load-balancer-reaches-tasks": links}}}

test_what_holds_passes if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {}}}
	count(rule.deny) == 0 with input as {}
}

test_a_broken_link_is_told_with_what_it_is_for if {
	some finding in rule.deny with input as facts([link])
	finding.msg == "`service.web` is to be reached by load_balancer.edge on port 8080, but service.web/ec2.security_group does not let TCP 8080 in from load_balancer.edge/elb.load_balancer"
	finding.hint == "mend it"
}

test_it_points_at_the_field_of_the_resource_that_decides if {
	some finding in rule.deny with input as facts([link])
	finding.address == "service.web/ec2.security_group"
	finding.field == ["ingress"]
	finding.component == "service.web"
}

test_each_broken_link_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as facts([link, object.union(link, {"lacks": "something else"})])
}

test_links_of_other_rules_are_none_of_its_business if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {"another-rule": [link]}}}
}
