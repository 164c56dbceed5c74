# METADATA
# title: Logs are kept for a year
# description: Log groups keep events for a year at least.
# scope: package
# custom:
#   id: log-retention-year
#   level: off
#   severity: low
#   why: Some standards ask for it, and some attacks are found that late.
#   checkov:
#     - CKV_AWS_338
package gitops.log_retention_year

import rego.v1

deny contains finding if {
	some address, group in input.kinds["logs.log_group"]
	group.retention_in_days < 365
	finding := {
		"address": address,
		"field": ["retention_in_days"],
		"key": ["logs", "days"],
		"msg": sprintf("the logs of %s are kept for %d days", [data.gitops.lib.names.called(address), group.retention_in_days]),
		"hint": "say `logs = { days = 365 }`",
	}
}
