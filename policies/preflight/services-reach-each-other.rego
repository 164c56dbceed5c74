# METADATA
# title: Services reach each other
# description: What a service connects to by Service Connect is served in the same namespace and VPC, on a port that a container maps, and the groups of both let through the port on which the proxy listens.
# scope: package
# custom:
#   id: services-reach-each-other
#   level: hard
#   severity: high
#   why: A name that resolves and does not answer is found out by the first request, not by the deployment.
package gitops.services_reach_each_other

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["services-reach-each-other"]
}
