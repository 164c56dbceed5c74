# METADATA
# title: Tasks have tags
# description: Tasks get the tags of their service or of their task definition.
# scope: package
# custom:
#   id: tags-propagated
#   level: advisory
#   severity: low
#   why: Costs and alarms of tasks are otherwise nobody's.
package gitops.tags_propagated

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	object.get(service, "propagate_tags", "NONE") == "NONE"
	finding := {
		"address": address,
		"field": ["propagate_tags"],
		"msg": sprintf("the tasks of %s have no tags", [data.gitops.lib.names.called(address)]),
		"hint": "take the override away, or say `\"SERVICE\"`",
	}
}
