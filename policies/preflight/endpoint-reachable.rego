# METADATA
# title: Endpoints reachable
# description: "The groups of the tasks let HTTPS out to each endpoint that they need (or to everywhere, where they go over the internet), the groups of the endpoint let it in, and the policy of the endpoint lets through what is asked. A service names its groups: AWS would take the default group of the VPC."
# scope: package
# custom:
#   id: endpoint-reachable
#   level: hard
#   severity: high
#   why: "A group that is shut looks like a registry that does not answer: tasks time out one after another, and nothing says why."
package gitops.endpoint_reachable

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["endpoint-reachable"]
}
