# METADATA
# title: Network load balancers have security groups
# description: Network load balancers have a security group.
# scope: package
# custom:
#   id: network-balancers-have-groups
#   level: soft
#   severity: medium
#   why: One that was made without a group lets everybody in who can reach it, and never gets one. It has to be replaced.
package gitops.network_balancers_have_groups

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	balancer.type == "network"
	count(object.get(balancer, "security_groups", [])) == 0
	finding := {
		"address": address,
		"field": ["security_groups"],
		"msg": sprintf("%s has no security group: whoever reaches it gets in", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away: the component makes a group for it",
	}
}
