# METADATA
# title: Subnets without public addresses
# description: No subnet gives public addresses to what is put into it. Load balancers, NAT gateways and tasks of the public tier ask for theirs.
# scope: package
# custom:
#   id: subnets-without-public-addresses
#   level: soft
#   severity: medium
#   why: A public address should be asked for by what needs it, and not come with the place.
#   fsbp:
#     - EC2.15
#   checkov:
#     - CKV_AWS_130
#   trivy:
#     - AVD-AWS-0164
#   guard:
#     - SUBNET_AUTO_ASSIGN_PUBLIC_IP_DISABLED
package gitops.subnets_without_public_addresses

import rego.v1

deny contains finding if {
	some address, subnet in input.kinds["ec2.subnet"]
	subnet.map_public_ip_on_launch
	finding := {
		"address": address,
		"field": ["map_public_ip_on_launch"],
		"msg": sprintf("a subnet of %s gives public addresses to all that is put into it: %s", [data.gitops.lib.names.called(address), address]),
		"hint": "say `map_public_ip_on_launch = false`",
	}
}
