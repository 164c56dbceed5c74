package gitops.cross_zone_test

import rego.v1

import data.gitops.cross_zone as rule

stack(more) := {"kinds": {"elb.load_balancer": {"load_balancer.edge/elb.load_balancer": more}}}

test_one_that_reaches_all_zones_passes if {
	count(rule.deny) == 0 with input as stack({"type": "network", "network": {"cross_zone": true}})
}

test_one_that_does_not_is_told if {
	some finding in rule.deny with input as stack({"type": "network", "network": {"cross_zone": false}})
	finding.key == ["cross_zone"]
	contains(finding.msg, "`load_balancer.edge`")
}

test_it_does_not_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({"type": "network"})
}

test_an_application_load_balancer_always_does if {
	count(rule.deny) == 0 with input as stack({"type": "application", "application": {}})
}
