# METADATA
# title: A key of one's own
# description: SecureStrings are encrypted with a KMS key of the account, not with that of AWS.
# scope: package
# custom:
#   id: secrets-with-own-key
#   level: off
#   severity: medium
#   why: The key's policy says who may read the secrets, in one place, and CloudTrail tells who did. It costs a dollar a month.
#   checkov:
#     - CKV_AWS_337
package gitops.secrets_with_own_key

import rego.v1

deny contains finding if {
	some address, parameter in input.kinds["ssm.parameter"]
	parameter.type == "SecureString"
	object.get(parameter, "key_id", "alias/aws/ssm") == "alias/aws/ssm"
	finding := {
		"address": address,
		"field": ["key_id"],
		"key": ["key"],
		"msg": sprintf("%s is encrypted with a key of AWS's own", [data.gitops.lib.names.called(address)]),
		"hint": "name one of the account's: `key = \"arn:aws:kms:…\"`",
	}
}
