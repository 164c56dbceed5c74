package gitops.internet_routes_of_public_tier_test

import rego.v1

import data.gitops.internet_routes_of_public_tier as rule

stack(name, destination, target, subnets) := {"kinds": {"ec2.route_table": {sprintf("network.main/ec2.route_table.%s", [name]): {
	"routes": {destination: target},
	"subnets": subnets,
}}}}

igw := {"internet_gateway": "network.main/ec2.internet_gateway"}

public := ["network.main/ec2.subnet.public-1"]

private := ["network.main/ec2.subnet.private-1"]

test_the_table_of_the_public_tier_passes if {
	count(rule.deny) == 0 with input as stack("public", "0.0.0.0/0", igw, public)
}

test_another_table_is_told if {
	some finding in rule.deny with input as stack("private", "0.0.0.0/0", igw, private)
	finding.msg == "`network.main` has a route to the internet in a table that is not of the public tier: 0.0.0.0/0 in network.main/ec2.route_table.private"
}

test_ipv6_counts if {
	count(rule.deny) == 1 with input as stack("private", "::/0", igw, private)
}

test_a_subnet_of_another_tier_on_the_public_table_is_told if {
	some finding in rule.deny with input as stack("public", "0.0.0.0/0", igw, array.concat(public, private))
	finding.field == ["subnets"]
}

test_a_way_out_over_nat_passes if {
	count(rule.deny) == 0 with input as stack("private", "0.0.0.0/0", {"nat_gateway": "network.main/ec2.nat_gateway"}, private)
}

test_a_route_to_a_part_is_not_to_everything if {
	count(rule.deny) == 0 with input as stack("private", "192.168.0.0/16", igw, private)
	count(rule.deny) == 0 with input as stack("private", "pl-1", igw, private)
}
