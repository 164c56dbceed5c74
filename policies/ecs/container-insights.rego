# METADATA
# title: Container Insights
# description: Clusters have metrics of their services and tasks (Container Insights).
# scope: package
# custom:
#   id: container-insights
#   level: advisory
#   severity: low
#   why: They say what tasks used before they died, and which service takes the memory of the others.
#   fsbp:
#     - ECS.12
#   checkov:
#     - CKV_AWS_65
#   trivy:
#     - AVD-AWS-0034
package gitops.container_insights

import rego.v1

deny contains finding if {
	some address, cluster in input.kinds["ecs.cluster"]
	object.get(cluster, "container_insights", "disabled") == "disabled"
	finding := {
		"address": address,
		"field": ["container_insights"],
		"key": ["container_insights"],
		"msg": sprintf("%s has no metrics of its services and tasks", [data.gitops.lib.names.called(address)]),
		"hint": sprintf("say `container_insights = \"enabled\"` in `[%s]`; AWS charges for the metrics", [data.gitops.lib.names.component(address)]),
	}
}
