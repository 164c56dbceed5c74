# METADATA
# title: Internet routes of the public tier
# description: Only the route table of the public tier has a route for everything to an internet gateway, and only subnets of that tier use it.
# scope: package
# custom:
#   id: internet-routes-of-public-tier
#   level: soft
#   severity: high
#   why: A route to an internet gateway makes a subnet public whatever it is called, and the next thing that is put into it is reachable.
#   guard:
#     - NO_UNRESTRICTED_ROUTE_TO_IGW
package gitops.internet_routes_of_public_tier

import rego.v1

deny contains finding if {
	some address, table in input.kinds["ec2.route_table"]
	destination := open(table)
	not endswith(address, "/ec2.route_table.public")
	finding := {
		"address": address,
		"field": ["routes"],
		"msg": sprintf("%s has a route to the internet in a table that is not of the public tier: %s in %s", [
			data.gitops.lib.names.called(address),
			destination,
			address,
		]),
		"hint": "take the route away; what stands there reaches the internet with `nat`, if it has to",
	}
}

deny contains finding if {
	some address, table in input.kinds["ec2.route_table"]
	open(table)
	endswith(address, "/ec2.route_table.public")
	some subnet in table.subnets
	not contains(subnet, "/ec2.subnet.public-")
	finding := {
		"address": address,
		"field": ["subnets"],
		"msg": sprintf("%s has a subnet on the table of the public tier that is none of it: %s", [data.gitops.lib.names.called(address), subnet]),
		"hint": "put the subnet on the table of its tier",
	}
}

# The destination, the first one where there are several.
open(table) := sort([destination |
	some destination
	table.routes[destination].internet_gateway
	is_everything(destination)
])[0]

is_everything(destination) if {
	contains(destination, ".")
	data.gitops.lib.groups.is_world({"peer": {"cidr_ipv4": destination}})
}

is_everything(destination) if {
	contains(destination, ":")
	data.gitops.lib.groups.is_world({"peer": {"cidr_ipv6": destination}})
}
