package gitops.no_secrets_in_containers_test

import rego.v1

import data.gitops.no_secrets_in_containers as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

# Nothing that looks like a secret stands in a file of the repository: the texts are put together here.
access_key := concat("", ["AKIA", "QRSTUVWXYZ234567"])

test_ordinary_texts_pass if {
	count(rule.deny) == 0 with input as container({
		"environment": {"LOG_LEVEL": "info", "URL": "https://example.org/a@b", "NAME": ""},
		"command": ["serve", "--port", "8080"],
		"docker_labels": {"owner": "team"},
	})
}

test_a_container_that_says_nothing_passes if {
	count(rule.deny) == 0 with input as container({})
}

test_a_variable_is_named_and_its_value_is_not_shown if {
	some finding in rule.deny with input as container({"environment": {"LOG_LEVEL": "info", "KEY": access_key}})
	finding.msg == "the variable `KEY` of `service.web` has an access key of AWS in plain text"
	finding.field == ["containers", "web", "environment", "KEY"]
	not contains(json.marshal(finding), "QRSTUVWXYZ")
}

test_the_line_is_that_of_the_variable_or_of_the_file if {
	doc := container({"environment": {"KEY": access_key}})
	some written in rule.deny with input as object.union(doc, {"manifest": {"service.web": {"env": {"KEY": "x"}}}})
	written.key == ["env", "KEY"]
	some from_file in rule.deny with input as object.union(doc, {"manifest": {"service.web": {"env_file": "env"}}})
	from_file.key == ["env_file"]
}

test_an_argument_is_told if {
	some finding in rule.deny with input as container({"command": ["serve", "--db", "postgres://app:hunter2@db/app"]})
	finding.msg == "`command` of `service.web` has a password in a URL in plain text"
	finding.key == ["command"]
}

test_a_label_is_told if {
	some finding in rule.deny with input as container({"docker_labels": {"token": concat("", ["ghp_", "0123456789abcdef0123456789abcdef0123"])}})
	contains(finding.msg, "the label `token` of `service.web` has a token")
}

test_of_a_sidecar_too if {
	doc := stack({"containers": {"proxy": {"image": "proxy:1", "environment": {"KEY": concat("", ["-----BEGIN RSA ", "PRIVATE KEY-----"])}}}})
	some finding in rule.deny with input as doc
	finding.msg == "the variable `KEY` of the container `proxy` of `service.web` has a private key in plain text"
}
