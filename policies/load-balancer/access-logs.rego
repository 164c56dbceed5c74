# METADATA
# title: Access logs
# description: Load balancers keep a log of each request, or of each connection over TLS, in a bucket.
# scope: package
# custom:
#   id: access-logs
#   level: advisory
#   severity: medium
#   why: After an attack or an outage they say who asked for what and what was answered; nothing else at the edge of the network does.
#   fsbp:
#     - ELB.5
#   checkov:
#     - CKV_AWS_91
#   guard:
#     - ELBV2_ACCESS_LOGGING_RULE
package gitops.access_logs

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	not balancer.access_logs.bucket
	finding := {
		"address": address,
		"field": ["access_logs"],
		"msg": sprintf("%s keeps no log of each request", [data.gitops.lib.names.called(address)]),
		"hint": sprintf("a bucket that Elastic Load Balancing may write to: in `[%s.override.\"elb.load_balancer\"]`, `access_logs = { bucket = \"…\" }`", [data.gitops.lib.names.component(address)]),
	}
}
