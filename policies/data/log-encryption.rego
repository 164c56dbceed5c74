# METADATA
# title: Logs with a key of one's own
# description: Log groups are encrypted with a KMS key of the account, not with that of AWS.
# scope: package
# custom:
#   id: log-encryption
#   level: off
#   severity: low
#   why: For those who have to show who may read logs, or to take that from everybody at once.
#   checkov:
#     - CKV_AWS_158
#   trivy:
#     - AVD-AWS-0017
#   guard:
#     - CLOUDWATCH_LOG_GROUP_ENCRYPTED
package gitops.log_encryption

import rego.v1

deny contains finding if {
	some address, group in input.kinds["logs.log_group"]
	not group.kms_key_id
	finding := {
		"address": address,
		"field": ["kms_key_id"],
		"key": ["logs"],
		"msg": sprintf("the logs of %s are encrypted with a key of AWS's own", [data.gitops.lib.names.called(address)]),
		"hint": sprintf("name one that CloudWatch Logs may use in `[%s.override.\"logs.log_group\"]`: `kms_key_id = \"arn:aws:kms:…\"`", [data.gitops.lib.names.component(address)]),
	}
}
