package gitops.no_variables_called_secret_test

import rego.v1

import data.gitops.no_variables_called_secret as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

variables(all) := container({"environment": all})

test_ordinary_names_pass if {
	count(rule.deny) == 0 with input as variables({"LOG_LEVEL": "info", "MODE": "secret", "KEY": "x"})
}

test_names_of_secrets_are_told if {
	every name in ["PASSWORD", "DB_PASSWORD", "db_passwd", "CLIENT_SECRET", "GITHUB_TOKEN", "API_KEY", "APIKEY", "SIGNING_PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "ECS_ENGINE_AUTH_DATA"] {
		count(rule.deny) == 1 with input as variables({"LOG_LEVEL": "info", name: "hunter2"})
	}
}

test_the_variable_is_named_and_its_value_is_not_shown if {
	some finding in rule.deny with input as variables({"DB_PASSWORD": "hunter2"})
	finding.msg == "the variable `DB_PASSWORD` of `service.web` is called a secret, and has its value in plain text"
	not contains(json.marshal(finding), "hunter2")
}

test_what_is_about_a_secret_passes if {
	every name in ["PASSWORD_FILE", "TOKEN_URL", "SECRET_ARN", "TOKEN_TTL", "API_KEY_HEADER", "SECRET_NAME"] {
		count(rule.deny) == 0 with input as variables({name: "x"})
	}
}

test_numbers_switches_and_places_pass if {
	every text in ["", "4096", "true", "Off", "arn:aws:ssm:eu-west-1:123456789012:parameter/x", "${parameter.x/ssm.parameter.name}", "/run/secrets/token"] {
		count(rule.deny) == 0 with input as variables({"TOKEN": text})
	}
}

test_what_has_the_form_of_a_secret_is_told_elsewhere if {
	count(rule.deny) == 0 with input as variables({"TOKEN": concat("", ["ghp_", "0123456789abcdef0123456789abcdef0123"])})
}

test_a_container_without_variables_passes if {
	count(rule.deny) == 0 with input as container({})
}
