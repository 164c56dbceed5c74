# METADATA
# title: What holds data stays
# description: Nothing that holds data is deleted or replaced unless the revision names its component in `[stack.allow] delete`. The planner refuses the same before; this is the second wall.
# scope: package
# custom:
#   id: stateful-stays
#   level: hard
#   severity: critical
#   pass: plan
#   why: Data that is deleted comes back from nowhere, and a replacement is a deletion with something empty in its place.
package gitops.stateful_stays

import rego.v1

deny contains finding if {
	some step in input.plan.steps
	step.stateful
	step.op in {"replace", "delete"}
	component := data.gitops.lib.names.component(step.address)
	not component in input.stack.allow.delete
	finding := {
		"address": step.address,
		"msg": sprintf("%s would be %sd, and it holds data that nothing can bring back", [step.address, step.op]),
		"hint": sprintf("if that is meant, add \"%s\" to `[stack.allow] delete`", [component]),
	}
}
