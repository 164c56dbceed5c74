# METADATA
# title: No load balancer faces the internet
# description: All load balancers are internal.
# scope: package
# custom:
#   id: no-internet-facing
#   level: off
#   severity: high
#   why: For accounts in which nothing may be reached from the internet, with CloudFront or without.
#   trivy:
#     - AVD-AWS-0053
package gitops.no_internet_facing

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	balancer.scheme == "internet-facing"
	finding := {
		"address": address,
		"field": ["scheme"],
		"key": ["scheme"],
		"msg": sprintf("%s faces the internet", [data.gitops.lib.names.called(address)]),
		"hint": "say `scheme = \"internal\"`",
	}
}
