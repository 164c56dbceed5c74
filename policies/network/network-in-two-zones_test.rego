package gitops.network_in_two_zones_test

import rego.v1

import data.gitops.network_in_two_zones as rule

stack(zones) := {
	"kinds": {"ec2.subnet": {name: {"vpc": "network.main/ec2.vpc"} | some name, _ in zones}},
	"facts": {"subnets": {name: {"zone": zone} | some name, zone in zones}},
}

test_two_zones_pass if {
	count(rule.deny) == 0 with input as stack({"a": "eu-west-1a", "b": "eu-west-1b"})
}

test_one_zone_is_told if {
	some finding in rule.deny with input as stack({"a": "eu-west-1a"})
	finding.msg == "`network.main` stands in one availability zone"
	finding.key == ["zones"]
}

test_two_subnets_of_one_zone_are_one_zone if {
	count(rule.deny) == 1 with input as stack({"a": "eu-west-1a", "b": "eu-west-1a"})
}

test_no_subnet_is_no_finding if {
	count(rule.deny) == 0 with input as stack({})
}
