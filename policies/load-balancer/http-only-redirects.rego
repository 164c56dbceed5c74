# METADATA
# title: HTTP only redirects
# description: What a load balancer that faces the internet hears over HTTP it does nothing with but to redirect it to HTTPS. A listener that a distribution of the stack asks is judged by origin-over-https.
# scope: package
# custom:
#   id: http-only-redirects
#   level: soft
#   severity: high
#   why: Over HTTP everybody on the way reads and changes requests and answers, the cookies in them and the secret header too.
#   fsbp:
#     - ELB.1
#   checkov:
#     - CKV_AWS_2
#     - CKV2_AWS_20
#   trivy:
#     - AVD-AWS-0054
package gitops.http_only_redirects

import rego.v1

deny contains finding if {
	some address, listener in input.kinds["elb.listener"]
	is_plain(listener)
	not leads_to_https(listener)
	not is_asked(listener)
	finding := {
		"address": address,
		"field": ["default_action"],
		"key": ["listeners", format_int(listener.port, 10)],
		"msg": sprintf("%s faces the internet and answers over HTTP on port %d", [
			data.gitops.lib.names.called(address),
			listener.port,
		]),
		"hint": "give the listener a `certificate`; a second one on port 80 may redirect there: `80 = { redirect = 443 }`",
	}
}

# A listener that redirects by itself, and forwards what a rule takes.
deny contains finding if {
	some address, rule in input.kinds["elb.rule"]
	rule.action.forward
	listener := input.kinds["elb.listener"][rule.listener]
	is_plain(listener)
	leads_to_https(listener)
	finding := {
		"address": address,
		"field": ["action"],
		"key": ["expose"],
		"msg": sprintf("%s answers over HTTP on port %d of %s, which faces the internet", [
			data.gitops.lib.names.called(address),
			listener.port,
			data.gitops.lib.names.called(rule.listener),
		]),
		"hint": "expose it on a listener with a certificate",
	}
}

is_plain(listener) if {
	listener.protocol == "HTTP"
	input.kinds["elb.load_balancer"][listener.load_balancer].scheme == "internet-facing"
}

leads_to_https(listener) if listener.default_action.redirect.protocol == "HTTPS"

is_asked(listener) if asked[listener.load_balancer][listener.port]

# The ports that distributions of the stack ask over HTTP. Their origins are called as the load balancers' components.
asked[balancer] contains origin.custom.http_port if {
	some distribution in input.kinds["cloudfront.distribution"]
	some id, origin in distribution.origins
	origin.custom.protocol_policy == "http-only"
	balancer := sprintf("%s/elb.load_balancer", [id])
}
