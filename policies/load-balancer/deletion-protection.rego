# METADATA
# title: Deletion protection
# description: AWS refuses to delete the load balancer, whoever asks.
# scope: package
# custom:
#   id: deletion-protection
#   level: advisory
#   severity: medium
#   why: Its name is where clients, CloudFront and DNS records lead. A new one has another name.
#   fsbp:
#     - ELB.6
#   checkov:
#     - CKV_AWS_150
#   guard:
#     - ELB_DELETION_PROTECTION_ENABLED
package gitops.deletion_protection

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	not object.get(balancer, "deletion_protection", false)
	finding := {
		"address": address,
		"field": ["deletion_protection"],
		"key": ["deletion_protection"],
		"msg": sprintf("anybody who may can delete %s by one click", [data.gitops.lib.names.called(address)]),
		"hint": "say `deletion_protection = true`; it is taken off again by `false`, before the load balancer is taken out of the manifest",
	}
}
