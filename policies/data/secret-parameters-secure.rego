# METADATA
# title: Secrets are encrypted
# description: Parameters whose names say that they hold a secret are SecureStrings.
# scope: package
# custom:
#   id: secret-parameters-secure
#   level: soft
#   severity: high
#   why: A plain parameter stands in Git, in the history of the repository, and in the answers of AWS to everybody who may read parameters.
#   checkov:
#     - CKV2_AWS_34
package gitops.secret_parameters_secure

import rego.v1

secret := `(?i)(password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential)`

# Where it is, how long it holds, what it is called: about a secret, and none.
about := `(?i)[-_/.](file|path|dir|url|uri|arn|name|header|endpoint|host|issuer|audience|type|algorithm|length|size|count|limit|min|max|ttl|age|expiry|lifetime|duration|timeout|interval|enabled|prefix|region|version)$`

# What the parameter is called below the stack, whose own name says nothing about it.
own_name(name) := trim_prefix(name, sprintf("/%s/", [object.get(object.get(input, "stack", {}), "name", "")]))

deny contains finding if {
	some address, parameter in input.kinds["ssm.parameter"]
	parameter.type != "SecureString"
	own := own_name(parameter.name)
	regex.match(secret, own)
	not regex.match(about, own)
	not data.gitops.lib.secrets.found(parameter.value)
	finding := {
		"address": address,
		"field": ["type"],
		"key": ["value"],
		"msg": sprintf("%s is called a secret (`%s`), and is kept in plain text", [
			data.gitops.lib.names.called(address),
			parameter.name,
		]),
		"hint": "let it be generated (`generate = true`), or put it into Parameter Store by hand and name its ARN where it is used",
	}
}
