package gitops.nat_in_each_zone_test

import rego.v1

import data.gitops.nat_in_each_zone as rule

stack(routes, subnets) := {
	"kinds": {
		"ec2.route_table": {"network.main/ec2.route_table.private": {"routes": routes, "subnets": subnets}},
		"ec2.nat_gateway": {"network.main/ec2.nat_gateway": {"subnet": "public-1"}},
	},
	"facts": {"subnets": {
		"public-1": {"zone": "eu-west-1a"},
		"private-1": {"zone": "eu-west-1a"},
		"private-2": {"zone": "eu-west-1b"},
	}},
}

nat := {"0.0.0.0/0": {"nat_gateway": "network.main/ec2.nat_gateway"}}

test_a_gateway_of_the_same_zone_passes if {
	count(rule.deny) == 0 with input as stack(nat, ["private-1"])
}

test_a_subnet_of_another_zone_is_told if {
	some finding in rule.deny with input as stack(nat, ["private-1", "private-2"])
	finding.msg == "`network.main` sends 0.0.0.0/0 from eu-west-1b over a NAT gateway in eu-west-1a"
	finding.key == ["nat"]
}

test_without_nat_there_is_nothing_to_tell if {
	count(rule.deny) == 0 with input as stack({}, ["private-1", "private-2"])
}

test_a_gateway_of_others_is_not_looked_at if {
	count(rule.deny) == 0 with input as stack({"0.0.0.0/0": {"nat_gateway": "nat-0123"}}, ["private-1", "private-2"])
}
