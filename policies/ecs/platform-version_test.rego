package gitops.platform_version_test

import rego.v1

import data.gitops.platform_version as rule

stack(version, system) := {"kinds": {
	"ecs.service": {"service.web/ecs.service": {"platform_version": version, "task_definition": "service.web/ecs.task_definition"}},
	"ecs.task_definition": {"service.web/ecs.task_definition": {"runtime_platform": {"operating_system_family": system}}},
}}

test_newer_versions_pass if {
	every version in ["LATEST", "1.4.0", "1.5.0"] {
		count(rule.deny) == 0 with input as stack(version, "LINUX")
	}
}

test_older_versions_are_told if {
	some finding in rule.deny with input as stack("1.3.0", "LINUX")
	finding.msg == "`service.web` runs on the old platform version 1.3.0 of Fargate"
	finding.field == ["platform_version"]
}

test_windows_counts_by_itself if {
	count(rule.deny) == 0 with input as stack("1.0.0", "WINDOWS_SERVER_2022_CORE")
}

test_the_newest_is_what_is_taken_where_nothing_is_said if {
	count(rule.deny) == 0 with input as {"kinds": {"ecs.service": {"service.web/ecs.service": {}}}}
}

test_without_its_task_definition_it_is_linux if {
	count(rule.deny) == 1 with input as {"kinds": {"ecs.service": {"service.web/ecs.service": {"platform_version": "1.3.0", "task_definition": "arn:1"}}}}
}
