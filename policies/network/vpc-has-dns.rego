# METADATA
# title: VPCs have DNS
# description: VPCs have a resolver, and give names to what stands in them.
# scope: package
# custom:
#   id: vpc-has-dns
#   level: soft
#   severity: medium
#   why: Without both, private DNS of endpoints does not work, and what should go through an endpoint looks for a way to the internet.
package gitops.vpc_has_dns

import rego.v1

# By field what AWS makes of one that is left out.
defaults := {"enable_dns_hostnames": false, "enable_dns_support": true}

deny contains finding if {
	some address, vpc in input.kinds["ec2.vpc"]
	some field, left_out in defaults
	not object.get(vpc, field, left_out)
	finding := {
		"address": address,
		"field": [field],
		"msg": sprintf("the VPC of %s has no DNS: `%s` is false", [data.gitops.lib.names.called(address), field]),
		"hint": sprintf("say `%s = true`", [field]),
	}
}
