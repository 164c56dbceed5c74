package gitops.paths_proven_test

import rego.v1

import data.gitops.paths_proven as rule

link := {
	"service": "service.web/ecs.service",
	"because": "writes its logs to /shared",
	"verdict": "unknown",
	"hop": "/shared is there",
	"fact": "whether there is the log group /shared",
	"address": "service.web/ecs.task_definition",
	"field": ["containers"],
	"line": {"component": "service.web", "key": ["logs"]},
}

facts(links) := {"facts": {"preflight": {"paths-proven": links}}}

test_what_is_known_passes if {
	count(rule.unknown) == 0 with input as {"facts": {"preflight": {}}}
}

test_a_missing_fact_is_named if {
	some finding in rule.unknown with input as facts([link])
	finding.fact == "whether there is the log group /shared"
	finding.msg == "`service.web` writes its logs to /shared, which depends on whether there is the log group /shared"
}

test_it_points_at_the_line if {
	some finding in rule.unknown with input as facts([link])
	finding.component == "service.web"
	finding.key == ["logs"]
}

test_each_fact_is_a_finding_of_its_own if {
	count(rule.unknown) == 2 with input as facts([link, object.union(link, {"fact": "what the role may do"})])
}
