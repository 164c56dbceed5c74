# METADATA
# title: Addresses that others know stay
# description: Load balancers, distributions and public addresses keep the names and numbers that others have written down. A plan that replaces or deletes one is told.
# scope: package
# custom:
#   id: known-addresses-stay
#   level: advisory
#   severity: medium
#   pass: plan
#   why: DNS records, allow lists of partners and firewalls name them. What takes their place has others, and whoever knew the old ones is not told.
package gitops.known_addresses_stay

import rego.v1

known := {
	"cloudfront.distribution": "its domain name",
	"ec2.elastic_ip": "its public address",
	"ec2.nat_gateway": "the address that the internet sees its tasks by",
	"elb.load_balancer": "its DNS name",
}

deny contains finding if {
	some step in input.plan.steps
	step.op in {"replace", "delete"}
	what := known[step.kind]
	finding := {
		"address": step.address,
		"msg": sprintf("%s would be %sd, and %s goes with it", [step.address, step.op, what]),
		"hint": "whoever wrote it down has to learn the new one: records outside of this stack, partners, firewalls",
	}
}
