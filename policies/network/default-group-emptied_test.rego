package gitops.default_group_emptied_test

import rego.v1

import data.gitops.default_group_emptied as rule

stack(spec) := {"kinds": {"ec2.vpc": {"network.main/ec2.vpc": spec}}}

test_an_emptied_one_passes if {
	count(rule.deny) == 0 with input as stack({"default_group": "emptied"})
}

test_one_that_is_left_alone_is_told if {
	some finding in rule.deny with input as stack({})
	finding.msg == "the default security group of the VPC of `network.main` keeps its rules"
	finding.address == "network.main/ec2.vpc"
}

test_each_vpc_is_a_finding_of_its_own if {
	doc := {"kinds": {"ec2.vpc": {"network.a/ec2.vpc": {}, "network.b/ec2.vpc": {}}}}
	count(rule.deny) == 2 with input as doc
}

test_a_network_of_others_is_not_looked_at if {
	count(rule.deny) == 0 with input as {"kinds": {}, "manifest": {"network.main": {"existing": {"vpc": "vpc-1"}}}}
}
