# METADATA
# title: Origins over HTTPS
# description: Distributions ask their origins over HTTPS, also where they speak to them as viewers spoke to them.
# scope: package
# custom:
#   id: origin-over-https
#   level: soft
#   severity: high
#   why: Between CloudFront and a load balancer is the internet, and the secret header would be read on the way.
#   fsbp:
#     - CloudFront.9
#   checkov:
#     - CKV2_AWS_72
package gitops.origin_over_https

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	some id, origin in distribution.origins
	how := plain(distribution, id, origin.custom.protocol_policy)
	finding := object.union(place(id, origin), {
		"address": address,
		"field": ["origins", id, "custom", "protocol_policy"],
		"msg": sprintf("%s asks its origin `%s` over HTTP%s", [data.gitops.lib.names.called(address), id, how]),
		"hint": "give the listener that it asks a `certificate`, and say the name on it: `origin_domain = \"origin.example.org\"`",
	})
}

plain(_, _, "http-only") := ""

plain(distribution, id, "match-viewer") := " when viewers come over HTTP" if speaks_http(distribution, id)

speaks_http(distribution, id) if {
	distribution.default_behavior.target_origin == id
	distribution.default_behavior.viewer_protocol_policy == "allow-all"
}

speaks_http(distribution, id) if {
	some rule in distribution.behaviors
	rule.behavior.target_origin == id
	rule.behavior.viewer_protocol_policy == "allow-all"
}

# An origin is called as the component of its load balancer, whose listener decides.
place(id, origin) := {"component": id, "key": ["listeners", format_int(origin.custom.http_port, 10)]} if {
	is_listener(id, origin)
}

place(id, origin) := {"key": ["origin"]} if not is_listener(id, origin)

is_listener(id, origin) if {
	listeners := input.kinds["elb.listener"]
	listeners[sprintf("%s/elb.listener.%d", [id, origin.custom.http_port])].protocol == "HTTP"
}
