# METADATA
# title: Variables that are called secret
# description: Variables whose names say that they hold a secret (PASSWORD, SECRET, TOKEN, API_KEY, …) get it from Parameter Store or Secrets Manager, and have no value in plain text.
# scope: package
# custom:
#   id: no-variables-called-secret
#   level: soft
#   severity: high
#   why: Everybody who may read the repository, or describe the task definition, reads it.
#   fsbp:
#     - ECS.8
#   trivy:
#     - AVD-AWS-0036
package gitops.no_variables_called_secret

import rego.v1

secret := `(?i)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL|ENGINE_AUTH_DATA)`

# Where it is, how long it holds, what it is called: about a secret, and none.
about := `(?i)_(FILE|PATH|DIR|URL|URI|ARN|NAME|HEADER|ENDPOINT|HOST|ISSUER|AUDIENCE|TYPE|ALGORITHM|LENGTH|SIZE|COUNT|LIMIT|MIN|MAX|TTL|AGE|EXPIRY|EXPIRES|EXPIRATION|EXPIRES_IN|LIFETIME|DURATION|TIMEOUT|INTERVAL|ENABLED|DISABLED|REQUIRED|PREFIX|REGION|VERSION|STORE|PROVIDER)$`

# The same words: patterns are slow in one of the engines, and few containers have such a name.
words := ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH_DATA"]

deny contains finding if {
	some address, task in input.kinds["ecs.task_definition"]
	some name, container in task.containers
	not name in data.gitops.lib.containers.agents
	names := upper(concat(" ", object.keys(container.environment)))
	is_named(names)
	some variable, text in container.environment
	regex.match(secret, variable)
	not regex.match(about, variable)
	not is_harmless(text)

	# What is a secret by its form, no-secrets-in-containers refuses.
	not data.gitops.lib.secrets.found(text)
	finding := {
		"address": address,
		"field": ["containers", name, "environment", variable],
		"key": data.gitops.lib.containers.variable(address, name, variable),
		"msg": sprintf("the variable `%s` of %s is called a secret, and has its value in plain text", [
			variable,
			data.gitops.lib.containers.called(address, name),
		]),
		"hint": sprintf("name where it is kept: `secrets = { %s = \"parameter.…\" }`, or the ARN of a parameter or of a secret", [variable]),
	}
}

is_named(names) if {
	some word in words
	contains(names, word)
}

# Nothing, a switch, a number (`MAX_TOKENS`), or something that is looked up elsewhere.
is_harmless(text) if lower(text) in {"", "true", "false", "yes", "no", "on", "off", "none"}

is_harmless(text) if regex.match(`^[0-9.]+$`, text)

is_harmless(text) if strings.any_prefix_match(text, ["$", "arn:", "/", "file:", "http://", "https://"])
