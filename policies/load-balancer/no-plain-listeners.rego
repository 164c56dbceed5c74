# METADATA
# title: No listeners without TLS
# description: Listeners speak HTTPS or TLS, within the network too, and none redirects from HTTP either.
# scope: package
# custom:
#   id: no-plain-listeners
#   level: off
#   severity: medium
#   why: Whoever wants encryption everywhere wants it between clients of the network and the load balancer as well.
#   fsbp:
#     - ELB.18
#   guard:
#     - ELBV2_LISTENER_PROTOCOL_RULE
#     - ELBV2_LISTENER_SSL_POLICY_RULE
package gitops.no_plain_listeners

import rego.v1

deny contains finding if {
	some address, listener in input.kinds["elb.listener"]
	listener.protocol in {"HTTP", "TCP", "TCP_UDP", "UDP"}
	finding := {
		"address": address,
		"field": ["protocol"],
		"key": ["listeners", format_int(listener.port, 10)],
		"msg": sprintf("the listener %d of %s speaks %s, without encryption", [
			listener.port,
			data.gitops.lib.names.called(address),
			listener.protocol,
		]),
		"hint": "give it a `certificate`",
	}
}
