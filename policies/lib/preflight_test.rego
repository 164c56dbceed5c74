package gitops.lib.preflight_test

import rego.v1

link := {
	"service": "service.web/ecs.service",
	"because": "writes its logs",
	"verdict": "no",
	"hop": "service.web/ec2.security_group lets TCP 443 out to it",
	"lacks": "service.web/ec2.security_group does not let TCP 443 out to it",
	"address": "service.web/ec2.security_group",
	"field": ["egress"],
	"line": {"component": "service.web", "key": ["logs"]},
	"hint": "add a rule",
}

unsure := object.union(object.remove(link, ["lacks", "hint"]), {"verdict": "unknown", "fact": "what the role may do"})

test_a_broken_link_says_what_for_and_what_is_wrong if {
	finding := data.gitops.lib.preflight.broken(link)
	finding.msg == "`service.web` writes its logs, but service.web/ec2.security_group does not let TCP 443 out to it"
}

test_a_finding_has_resource_field_and_line if {
	finding := data.gitops.lib.preflight.broken(link)
	finding.address == "service.web/ec2.security_group"
	finding.field == ["egress"]
	finding.component == "service.web"
	finding.key == ["logs"]
	finding.hint == "add a rule"
}

test_a_link_of_which_a_fact_is_missing_names_it if {
	finding := data.gitops.lib.preflight.open(unsure)
	finding.msg == "`service.web` writes its logs, which depends on what the role may do"
	finding.fact == "what the role may do"
}

test_where_nothing_better_is_known_one_is_told_to_look if {
	contains(data.gitops.lib.preflight.open(unsure).hint, "look yourself")
}

test_the_last_of_very_many_stands_for_the_rest if {
	finding := data.gitops.lib.preflight.broken(object.union(link, {"more": 900}))
	endswith(finding.msg, "does not let TCP 443 out to it (and 900 more like it)")
}
