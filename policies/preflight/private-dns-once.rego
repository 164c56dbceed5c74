# METADATA
# title: Private DNS once
# description: Of one service a VPC has at most one interface endpoint with private DNS.
# scope: package
# custom:
#   id: private-dns-once
#   level: hard
#   severity: high
#   why: AWS makes no second one (conflicting DNS domain), so that the stack stays half applied.
package gitops.private_dns_once

import rego.v1

deny contains data.gitops.lib.preflight.broken(link) if {
	some link in input.facts.preflight["private-dns-once"]
}
