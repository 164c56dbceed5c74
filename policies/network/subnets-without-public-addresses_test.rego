package gitops.subnets_without_public_addresses_test

import rego.v1

import data.gitops.subnets_without_public_addresses as rule

stack(spec) := {"kinds": {"ec2.subnet": {"network.main/ec2.subnet.private-1": spec}}}

test_without_passes if {
	count(rule.deny) == 0 with input as stack({"map_public_ip_on_launch": false})
}

test_left_out_is_without if {
	count(rule.deny) == 0 with input as stack({})
}

test_with_is_told if {
	some finding in rule.deny with input as stack({"map_public_ip_on_launch": true})
	finding.msg == "a subnet of `network.main` gives public addresses to all that is put into it: network.main/ec2.subnet.private-1"
	finding.field == ["map_public_ip_on_launch"]
}

test_no_subnet_is_no_finding if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
