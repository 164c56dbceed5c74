# METADATA
# title: Encrypted to the target
# description: Target groups speak HTTPS or TLS with their targets.
# scope: package
# custom:
#   id: targets-encrypted
#   level: off
#   severity: medium
#   why: For those who want encryption from end to end. The load balancer takes any certificate of a target, one that it signed itself too.
#   fsbp:
#     - ELB.22
#   checkov:
#     - CKV_AWS_378
package gitops.targets_encrypted

import rego.v1

deny contains finding if {
	some address, group in input.kinds["elb.target_group"]
	group.protocol in {"HTTP", "TCP", "UDP", "TCP_UDP"}
	finding := {
		"address": address,
		"field": ["protocol"],
		"msg": sprintf("what a load balancer sends to %s is not encrypted: %s on port %d", [
			data.gitops.lib.names.called(address),
			group.protocol,
			group.port,
		]),
		"hint": sprintf("let the container speak TLS, and say `protocol = \"HTTPS\"` (or `\"TLS\"`) in `[%s.override.\"elb.target_group\"]`", [data.gitops.lib.names.component(address)]),
	}
}
