# METADATA
# title: WAF that cannot be asked lets nobody in
# description: Application load balancers refuse requests when AWS WAF cannot be asked.
# scope: package
# custom:
#   id: waf-fails-closed
#   level: off
#   severity: medium
#   why: Who relies on WAF to keep requests out may rather be down than open while it is not there.
package gitops.waf_fails_closed

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	balancer.application.waf_fail_open
	finding := {
		"address": address,
		"field": ["application", "waf_fail_open"],
		"msg": sprintf("%s lets requests pass when AWS WAF cannot be asked", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away, or say `false`",
	}
}
