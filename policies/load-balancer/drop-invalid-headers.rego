# METADATA
# title: Invalid headers are dropped
# description: Application load balancers take headers with names that are not valid out of requests.
# scope: package
# custom:
#   id: drop-invalid-headers
#   level: soft
#   severity: medium
#   why: Names with underscores or spaces are read as others by some programs, which is a way to smuggle in requests, or headers that only the load balancer should set.
#   fsbp:
#     - ELB.4
#   checkov:
#     - CKV_AWS_131
#   trivy:
#     - AVD-AWS-0052
#   guard:
#     - ALB_HTTP_DROP_INVALID_HEADER_ENABLED
package gitops.drop_invalid_headers

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	application := balancer.application
	not object.get(application, "drop_invalid_header_fields", false)
	finding := {
		"address": address,
		"field": ["application", "drop_invalid_header_fields"],
		"key": ["drop_invalid_header_fields"],
		"msg": sprintf("%s lets headers with invalid names through", [data.gitops.lib.names.called(address)]),
		"hint": "leave `drop_invalid_header_fields` out, or say `true`",
	}
}
