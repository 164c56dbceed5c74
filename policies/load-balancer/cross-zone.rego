# METADATA
# title: Network load balancers reach all zones
# description: The nodes of a network load balancer forward to targets of other zones too.
# scope: package
# custom:
#   id: cross-zone
#   level: advisory
#   severity: low
#   why: Without it the zone with fewer tasks gets as many connections as the other, and one without healthy tasks drops them until DNS has changed.
#   checkov:
#     - CKV_AWS_152
package gitops.cross_zone

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	balancer.type == "network"
	not balancer.network.cross_zone
	finding := {
		"address": address,
		"field": ["network", "cross_zone"],
		"key": ["cross_zone"],
		"msg": sprintf("%s forwards only to tasks of the zone that a connection came in by", [data.gitops.lib.names.called(address)]),
		"hint": "say `cross_zone = true`; AWS charges for what passes between zones",
	}
}
