package gitops.endpoints_have_private_dns_test

import rego.v1

import data.gitops.endpoints_have_private_dns as rule

stack(spec) := {"kinds": {"ec2.vpc_endpoint": {"network.main/ec2.vpc_endpoint.logs": object.union(
	{"service_name": "com.amazonaws.eu-west-1.logs", "vpc_endpoint_type": "interface"},
	spec,
)}}}

test_with_passes if {
	count(rule.deny) == 0 with input as stack({"private_dns_enabled": true})
}

test_without_is_told if {
	some finding in rule.deny with input as stack({"private_dns_enabled": false})
	finding.msg == "the endpoint of `network.main` for com.amazonaws.eu-west-1.logs has no private DNS"
	finding.key == ["endpoints"]
}

test_left_out_is_without if {
	count(rule.deny) == 1 with input as stack({})
}

test_gateways_have_none if {
	count(rule.deny) == 0 with input as stack({"vpc_endpoint_type": "gateway", "private_dns_enabled": false})
}
