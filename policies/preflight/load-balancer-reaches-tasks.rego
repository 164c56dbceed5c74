# METADATA
# title: Load balancer reaches tasks
# description: Each target group has a load balancer in the VPC and the zones of the tasks, the container that it names maps the port, and the groups of both sides let through what it forwards and what it checks, on a port that a container maps.
# scope: package
# custom:
#   id: load-balancer-reaches-tasks
#   level: hard
#   severity: high
#   why: Tasks that a load balancer cannot reach are unhealthy, so that ECS stops them and starts others for ever.
package gitops.load_balancer_reaches_tasks

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["load-balancer-reaches-tasks"]
}
