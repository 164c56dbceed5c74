# METADATA
# title: No secrets in plain text
# description: No variable, argument or label of a container is an access key of AWS, a private key, a token of a known form, or a URL with a password in it.
# scope: package
# custom:
#   id: no-secrets-in-containers
#   level: hard
#   severity: critical
#   why: A secret in Git is read by everybody who may read the repository or its history, and one in a task definition by everybody who may describe it. It has to be made anew.
#   fsbp:
#     - ECS.8
#   trivy:
#     - AVD-AWS-0036
package gitops.no_secrets_in_containers

import rego.v1

# Most containers have nothing like it: what they say is looked at as one text first.
deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not name in data.gitops.lib.containers.agents
	data.gitops.lib.secrets.found(concat("\n", [text | some text in container.environment]))
	some variable, text in container.environment
	what := data.gitops.lib.secrets.found(text)
	finding := {
		"address": address,
		"field": ["containers", name, "environment", variable],
		"key": data.gitops.lib.containers.variable(address, name, variable),
		"msg": sprintf("the variable `%s` of %s has %s in plain text", [
			variable,
			data.gitops.lib.containers.called(address, name),
			what,
		]),
		"hint": sprintf("make it anew, put it into Parameter Store or Secrets Manager, and name it under `secrets`: `secrets = { %s = \"arn:…\" }`", [variable]),
	}
}

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not name in data.gitops.lib.containers.agents
	some field in ["command", "entry_point"]
	what := data.gitops.lib.secrets.found(concat("\n", object.get(container, field, [])))
	finding := {
		"address": address,
		"field": ["containers", name, field],
		"key": data.gitops.lib.containers.key(address, name, [field]),
		"msg": sprintf("`%s` of %s has %s in plain text", [field, data.gitops.lib.containers.called(address, name), what]),
		"hint": "make it anew, and let the program read it from a variable that stands under `secrets`",
	}
}

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	some label, text in container.docker_labels
	what := data.gitops.lib.secrets.found(text)
	finding := {
		"address": address,
		"field": ["containers", name, "docker_labels", label],
		"msg": sprintf("the label `%s` of %s has %s in plain text", [
			label,
			data.gitops.lib.containers.called(address, name),
			what,
		]),
		"hint": "make it anew, and take the label away",
	}
}
