package gitops.vpc_has_dns_test

import rego.v1

import data.gitops.vpc_has_dns as rule

stack(spec) := {"kinds": {"ec2.vpc": {"network.main/ec2.vpc": spec}}}

test_both_pass if {
	count(rule.deny) == 0 with input as stack({"enable_dns_hostnames": true, "enable_dns_support": true})
}

test_the_resolver_is_there_when_left_out if {
	count(rule.deny) == 0 with input as stack({"enable_dns_hostnames": true})
}

test_names_are_not_there_when_left_out if {
	some finding in rule.deny with input as stack({"enable_dns_support": true})
	finding.msg == "the VPC of `network.main` has no DNS: `enable_dns_hostnames` is false"
	finding.field == ["enable_dns_hostnames"]
}

test_each_is_a_finding_of_its_own if {
	count(rule.deny) == 2 with input as stack({"enable_dns_hostnames": false, "enable_dns_support": false})
}
