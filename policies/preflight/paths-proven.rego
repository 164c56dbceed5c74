# METADATA
# title: Paths proven
# description: Whether tasks can start and work follows from what the stack has. Where it depends on roles, groups, log groups or load balancers of others, on policies whose content is not known or on conditions, the fact is named.
# scope: package
# custom:
#   id: paths-proven
#   level: advisory
#   severity: low
#   why: What nobody has looked at is found out by a deployment that does not come up.
package gitops.paths_proven

import rego.v1

unknown contains data.gitops.lib.preflight.open(link) if {
	some link in input.facts.preflight["paths-proven"]
}
