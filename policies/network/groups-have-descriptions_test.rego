package gitops.groups_have_descriptions_test

import rego.v1

import data.gitops.groups_have_descriptions as rule

entry := {"protocol": "tcp", "from_port": 443, "to_port": 443, "peer": {"group": "sg-1"}}

described := object.union(entry, {"description": "from the load balancer"})

stack(description, ingress, egress) := {"kinds": {"ec2.security_group": {"service.web/ec2.security_group": {
	"description": description,
	"ingress": ingress,
	"egress": egress,
}}}}

test_what_is_described_passes if {
	count(rule.deny) == 0 with input as stack("Tasks of service.web", [described], [described])
}

test_a_rule_without_is_told if {
	some finding in rule.deny with input as stack("Tasks of service.web", [entry], [])
	finding.msg == "a rule of the security group of `service.web` does not say what it is for: tcp 443, sg-1"
	finding.field == ["ingress"]
}

test_the_way_out_counts if {
	some finding in rule.deny with input as stack("Tasks of service.web", [], [entry])
	finding.field == ["egress"]
}

test_a_group_of_blanks_says_nothing if {
	some finding in rule.deny with input as stack(" ", [described], [])
	finding.field == ["description"]
}
