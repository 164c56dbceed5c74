# METADATA
# title: Load balancers in two zones
# description: Load balancers have nodes in two availability zones at least. Where the network itself has one zone, network-in-two-zones says so.
# scope: package
# custom:
#   id: load-balancer-in-two-zones
#   level: soft
#   severity: medium
#   why: Zones fail as a whole, and the address of a load balancer with nodes in one of them leads nowhere then.
#   fsbp:
#     - ELB.13
package gitops.load_balancer_in_two_zones

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	count(balancer.subnets) == 1
	not is_all_of_network(balancer)
	finding := {
		"address": address,
		"field": ["subnets"],
		"key": ["tier"],
		"msg": sprintf("%s stands in one subnet, and so in one availability zone", [data.gitops.lib.names.called(address)]),
		"hint": "let it stand in subnets of two zones",
	}
}

# The network has no second subnet of the tier to stand in: its zones are one.
is_all_of_network(balancer) if {
	own := balancer.subnets[0]
	vpc := input.kinds["ec2.subnet"][own].vpc
	zones := {zone |
		some address, subnet in input.kinds["ec2.subnet"]
		subnet.vpc == vpc
		zone := input.facts.subnets[address].zone
	}
	count(zones) == 1
}
