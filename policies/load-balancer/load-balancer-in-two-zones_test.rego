package gitops.load_balancer_in_two_zones_test

import rego.v1

import data.gitops.load_balancer_in_two_zones as rule

subnet(n) := sprintf("network.main/ec2.subnet.private-%d", [n])

stack(own, zones) := {
	"kinds": {
		"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": {"subnets": own}},
		"ec2.subnet": {subnet(n): {"vpc": "network.main/ec2.vpc"} | some n, _ in zones},
	},
	"facts": {"subnets": {subnet(n): {"zone": zone} | some n, zone in zones}},
}

test_two_subnets_pass if {
	count(rule.deny) == 0 with input as stack([subnet(0), subnet(1)], ["a", "b"])
}

test_one_of_two_is_told if {
	some finding in rule.deny with input as stack([subnet(0)], ["a", "b"])
	contains(finding.msg, "`load_balancer.edge` stands in one subnet")
	finding.field == ["subnets"]
}

test_a_network_of_one_zone_is_told_elsewhere if {
	count(rule.deny) == 0 with input as stack([subnet(0)], ["a", "a"])
}

test_one_subnet_of_somebody_else_is_told if {
	count(rule.deny) == 1 with input as stack(["subnet-0123"], [])
}
