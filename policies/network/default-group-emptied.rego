# METADATA
# title: Default group emptied
# description: The security group that each VPC has from the start has no rules.
# scope: package
# custom:
#   id: default-group-emptied
#   level: advisory
#   severity: medium
#   why: What is made without naming a group gets this one, and with its rules it reaches, and is reached by, all else that was made so.
#   fsbp:
#     - EC2.2
#   checkov:
#     - CKV2_AWS_12
#   trivy:
#     - AVD-AWS-0173
package gitops.default_group_emptied

import rego.v1

deny contains finding if {
	some address, vpc in input.kinds["ec2.vpc"]
	not vpc.default_group == "emptied"
	finding := {
		"address": address,
		"field": ["default_group"],
		"msg": sprintf("the default security group of the VPC of %s keeps its rules", [data.gitops.lib.names.called(address)]),
		"hint": "say `default_group = \"emptied\"`",
	}
}
