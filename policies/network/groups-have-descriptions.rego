# METADATA
# title: Groups have descriptions
# description: Each security group, and each of its rules, says what it is for.
# scope: package
# custom:
#   id: groups-have-descriptions
#   level: soft
#   severity: low
#   why: A rule without a reason is never taken away again, because nobody knows whom that would harm.
#   checkov:
#     - CKV_AWS_23
#   trivy:
#     - AVD-AWS-0099
#     - AVD-AWS-0124
#   guard:
#     - SECURITY_GROUP_DESCRIPTION_RULE
package gitops.groups_have_descriptions

import rego.v1

deny contains finding if {
	some address, group in input.kinds["ec2.security_group"]
	trim_space(object.get(group, "description", "")) == ""
	finding := {
		"address": address,
		"field": ["description"],
		"msg": sprintf("the security group of %s does not say what it is for", [data.gitops.lib.names.called(address)]),
		"hint": "give it a description",
	}
}

deny contains finding if {
	some direction in [data.gitops.lib.groups.ingress, data.gitops.lib.groups.egress]
	some item in direction
	trim_space(object.get(item.rule, "description", "")) == ""
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("a rule of the security group of %s does not say what it is for: %s, %s", [
			data.gitops.lib.names.called(item.address),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "give the rule a description",
	}
}
