# METADATA
# title: Connection logs
# description: Application load balancers keep a log of each connection in a bucket.
# scope: package
# custom:
#   id: connection-logs
#   level: off
#   severity: low
#   why: They name the clients that fail in TLS, of which access logs know nothing, and cost as much again.
package gitops.connection_logs

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	application := balancer.application
	not application.connection_logs.bucket
	finding := {
		"address": address,
		"field": ["application", "connection_logs"],
		"msg": sprintf("%s keeps no log of each connection", [data.gitops.lib.names.called(address)]),
		"hint": sprintf("a bucket that Elastic Load Balancing may write to: in `[%s.override.\"elb.load_balancer\"]`, `application.connection_logs = { bucket = \"…\" }`", [data.gitops.lib.names.component(address)]),
	}
}
