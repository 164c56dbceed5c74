# METADATA
# title: Logs are kept for a while
# description: Log groups keep events for a week at least, and not for ever.
# scope: package
# custom:
#   id: log-retention
#   level: soft
#   severity: medium
#   why: What happened on Friday is asked on Monday. What is kept for ever is paid for ever.
#   checkov:
#     - CKV_AWS_66
#   guard:
#     - CW_LOGGROUP_RETENTION_PERIOD_CHECK
package gitops.log_retention

import rego.v1

deny contains finding if {
	some address, group in input.kinds["logs.log_group"]
	what := wrong(group)
	finding := {
		"address": address,
		"field": ["retention_in_days"],
		"key": ["logs", "days"],
		"msg": sprintf("the logs of %s are kept %s", [data.gitops.lib.names.called(address), what]),
		"hint": "leave `days` out, for 30 days, or say another number: `logs = { days = 90 }`",
	}
}

wrong(group) := "for ever" if not group.retention_in_days

wrong(group) := sprintf("for %d days only", [group.retention_in_days]) if group.retention_in_days < 7

# AWS refuses other numbers.
wrong(group) := sprintf("for %d days, which CloudWatch does not have", [group.retention_in_days]) if {
	group.retention_in_days >= 7
	not group.retention_in_days in {7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}
