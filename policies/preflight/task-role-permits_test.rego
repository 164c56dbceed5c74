package gitops.task_role_permits_test

import rego.v1

import data.gitops.task_role_permits as rule

link := {
	"service": "service.web/ecs.service",
	"because": "fetches its config files",
	"verdict": "no",
	"hop": "what must hold",
	"lacks": "service.web/iam.role.task may not ssm:GetParameters on parameter/files/web/*",
	"address": "service.web/iam.role.task",
	"field": ["inline_policies"],
	"line": {"component": "service.web", "key": []},
	"hint": "mend it",
}

facts(links) := {"facts": {"preflight": {"task-role-permits": links}}}

test_what_holds_passes if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {}}}
	count(rule.deny) == 0 with input as {}
}

test_a_broken_link_is_told_with_what_it_is_for if {
	some finding in rule.deny with input as facts([link])
	finding.msg == "`service.web` fetches its config files, but service.web/iam.role.task may not ssm:GetParameters on parameter/files/web/*"
	finding.hint == "mend it"
}

test_it_points_at_the_field_of_the_resource_that_decides if {
	some finding in rule.deny with input as facts([link])
	finding.address == "service.web/iam.role.task"
	finding.field == ["inline_policies"]
	finding.component == "service.web"
}

test_each_broken_link_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as facts([link, object.union(link, {"lacks": "something else"})])
}

test_links_of_other_rules_are_none_of_its_business if {
	count(rule.deny) == 0 with input as {"facts": {"preflight": {"another-rule": [link]}}}
}
