package gitops.endpoints_in_each_zone_test

import rego.v1

import data.gitops.endpoints_in_each_zone as rule

stack(type, subnets) := {
	"kinds": {"ec2.vpc_endpoint": {"network.main/ec2.vpc_endpoint.logs": {
		"service_name": "com.amazonaws.eu-west-1.logs",
		"vpc": "network.main/ec2.vpc",
		"vpc_endpoint_type": type,
		"subnets": subnets,
	}}},
	"facts": {
		"placed": [
			{"what": "tasks", "subnets": ["a", "b"]},
			{"what": "internal load balancer", "subnets": ["c"]},
		],
		"subnets": {name: {"vpc": "network.main/ec2.vpc", "zone": zone} | some name, zone in {
			"a": "eu-west-1a",
			"b": "eu-west-1b",
			"c": "eu-west-1c",
		}},
	},
}

test_one_in_each_zone_passes if {
	count(rule.deny) == 0 with input as stack("interface", ["a", "b"])
}

test_a_zone_without_is_told if {
	some finding in rule.deny with input as stack("interface", ["a"])
	finding.msg == "the endpoint of `network.main` for com.amazonaws.eu-west-1.logs is not in eu-west-1b, where tasks stand"
}

test_another_zone_does_not_make_up_for_it if {
	count(rule.deny) == 1 with input as stack("interface", ["a", "c"])
}

test_gateways_are_in_no_zone if {
	count(rule.deny) == 0 with input as stack("gateway", [])
}

test_without_tasks_nothing_is_missing if {
	count(rule.deny) == 0 with input as object.union(stack("interface", ["a"]), {"facts": {"placed": []}})
}
