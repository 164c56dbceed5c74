package gitops.container_insights_test

import rego.v1

import data.gitops.container_insights as rule

stack(more) := {"kinds": {"ecs.cluster": {"cluster.main/ecs.cluster": more}}}

test_metrics_pass if {
	every word in ["enabled", "enhanced"] {
		count(rule.deny) == 0 with input as stack({"container_insights": word})
	}
}

test_none_are_told if {
	some finding in rule.deny with input as stack({"container_insights": "disabled"})
	finding.msg == "`cluster.main` has no metrics of its services and tasks"
	finding.key == ["container_insights"]
}

test_there_are_none_where_nothing_is_said if {
	count(rule.deny) == 1 with input as stack({})
}

test_a_stack_without_clusters_passes if {
	count(rule.deny) == 0 with input as {"kinds": {}}
}
