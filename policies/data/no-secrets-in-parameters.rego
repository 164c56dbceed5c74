# METADATA
# title: No secrets in plain parameters
# description: No parameter in plain text is an access key of AWS, a private key, a token of a known form, or a URL with a password in it.
# scope: package
# custom:
#   id: no-secrets-in-parameters
#   level: hard
#   severity: critical
#   why: A secret in Git is read by everybody who may read the repository or its history, and one in a plain parameter by everybody who may read parameters. It has to be made anew.
#   checkov:
#     - CKV_AWS_384
package gitops.no_secrets_in_parameters

import rego.v1

deny contains finding if {
	some address, parameter in input.kinds["ssm.parameter"]
	what := data.gitops.lib.secrets.found(parameter.value)
	finding := {
		"address": address,
		"field": ["value"],
		"key": ["value"],
		"msg": sprintf("%s has %s in plain text", [data.gitops.lib.names.called(address), what]),
		"hint": "make it anew, and let it be generated (`generate = true`), or put it into Parameter Store or Secrets Manager by hand and name its ARN where it is used",
	}
}
