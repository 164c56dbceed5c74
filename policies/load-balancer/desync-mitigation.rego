# METADATA
# title: Requests that are meant to be misread
# description: Application load balancers treat requests that might be meant to desynchronise defensively or strictly.
# scope: package
# custom:
#   id: desync-mitigation
#   level: soft
#   severity: medium
#   why: A request that the load balancer and the program behind it read differently hides another one in it, which is answered to somebody else.
#   fsbp:
#     - ELB.12
#   checkov:
#     - CKV_AWS_328
package gitops.desync_mitigation

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	balancer.application.desync_mitigation_mode == "monitor"
	finding := {
		"address": address,
		"field": ["application", "desync_mitigation_mode"],
		"msg": sprintf("%s lets all requests through that may be meant to be misread", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away, or say `\"defensive\"` or `\"strictest\"`",
	}
}
