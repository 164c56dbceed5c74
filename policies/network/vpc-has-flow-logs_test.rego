package gitops.vpc_has_flow_logs_test

import rego.v1

import data.gitops.vpc_has_flow_logs as rule

vpcs := {"ec2.vpc": {"network.main/ec2.vpc": {}}}

log(vpc) := {"ec2.flow_log": {"network.main/ec2.flow_log": {"vpc": vpc}}}

test_with_a_log_it_passes if {
	count(rule.deny) == 0 with input as {"kinds": object.union(vpcs, log("network.main/ec2.vpc"))}
}

test_without_it_is_told if {
	some finding in rule.deny with input as {"kinds": vpcs}
	finding.msg == "the VPC of `network.main` has no flow logs"
	finding.key == ["flow_logs"]
}

test_the_log_of_another_vpc_is_another if {
	count(rule.deny) == 1 with input as {"kinds": object.union(vpcs, log("vpc-0123"))}
}

test_no_vpc_needs_no_log if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
