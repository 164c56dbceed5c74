# METADATA
# title: Not only on spare capacity
# description: Services have some tasks that do not run on spare capacity (Fargate Spot).
# scope: package
# custom:
#   id: not-only-spot
#   level: advisory
#   severity: medium
#   why: AWS takes spare capacity back at two minutes' notice, all of it at once when others need it.
package gitops.not_only_spot

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	providers := {name |
		some name, share in service.capacity_provider_strategy
		object.get(share, "base", 0) + object.get(share, "weight", 0) > 0
	}
	providers == {"FARGATE_SPOT"}
	finding := {
		"address": address,
		"field": ["capacity_provider_strategy"],
		"msg": sprintf("all tasks of %s run on spare capacity, which AWS may take back", [data.gitops.lib.names.called(address)]),
		"hint": "let the first ones run on Fargate: `FARGATE = { base = 1, weight = 0 }` beside it",
	}
}
