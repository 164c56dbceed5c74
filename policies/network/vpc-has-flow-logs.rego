# METADATA
# title: VPCs have flow logs
# description: What connects to what in a VPC is logged.
# scope: package
# custom:
#   id: vpc-has-flow-logs
#   level: off
#   severity: medium
#   why: After something went wrong, flow logs are the only ones who know who talked to whom.
#   fsbp:
#     - EC2.6
#   checkov:
#     - CKV2_AWS_11
#   trivy:
#     - AVD-AWS-0178
package gitops.vpc_has_flow_logs

import rego.v1

deny contains finding if {
	some address, _ in input.kinds["ec2.vpc"]
	not address in logged
	finding := {
		"address": address,
		"key": ["flow_logs"],
		"msg": sprintf("the VPC of %s has no flow logs", [data.gitops.lib.names.called(address)]),
		"hint": "have flow logs kept for it",
	}
}

logged contains log.vpc if some log in input.kinds["ec2.flow_log"]
