# METADATA
# title: Ingress only from CloudFront
# description: The security groups of a load balancer that faces the internet let in CloudFront's managed prefix list and nobody else, unless it says why everybody may reach it with `public`.
# scope: package
# custom:
#   id: ingress-only-from-cloudfront
#   level: hard
#   severity: high
#   why: Whoever reaches the load balancer past CloudFront is past its web ACL, its TLS policy and its logs, and one guess away from the secret header.
package gitops.ingress_only_from_cloudfront

import rego.v1

deny contains finding if {
	some item in data.gitops.lib.groups.ingress
	lb := fronted[item.group]
	not may_be_cloudfront(item.rule)
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("%s faces the internet behind CloudFront and lets %s in from %s, which is not CloudFront", [
			data.gitops.lib.names.called(lb),
			data.gitops.lib.groups.what(item.rule),
			data.gitops.lib.groups.peer(item.rule),
		]),
		"hint": "let in CloudFront's managed prefix list alone (com.amazonaws.global.cloudfront.origin-facing); if everybody may reach it, `public = \"reason: …\"`",
	}
}

unknown contains finding if {
	some group, lb in fronted
	not input.kinds["ec2.security_group"][group]
	finding := {
		"address": lb,
		"field": ["security_groups"],
		"msg": sprintf("whom %s lets in depends on the rules of %s", [data.gitops.lib.names.called(lb), group]),
		"fact": sprintf("the rules of %s", [group]),
		"hint": "take a group of the stack",
	}
}

unknown contains finding if {
	not cloudfront
	some item in data.gitops.lib.groups.ingress
	lb := fronted[item.group]
	list := item.rule.peer.prefix_list

	# Offline the component's own list has no id.
	startswith(list, "pl-")
	finding := {
		"address": item.address,
		"field": item.field,
		"msg": sprintf("whom %s lets in depends on which list %s is", [data.gitops.lib.names.called(lb), list]),
		"fact": sprintf("the name of %s", [list]),
		"hint": "leave the list to the agent",
	}
}

# By group the load balancer that has it. Two load balancers with one group are both named by their group.
fronted[group] := least if {
	some group, lbs in behind
	least := min(lbs)
}

behind[group] contains lb.address if {
	some lb in input.facts.public
	not lb.exempt
	some group in input.kinds["elb.load_balancer"][lb.address].security_groups
}

may_be_cloudfront(rule) if rule.peer.prefix_list == cloudfront

# Which list it is only AWS knows.
may_be_cloudfront(rule) if {
	rule.peer.prefix_list
	not cloudfront
}

cloudfront := input.facts.prefix_lists["com.amazonaws.global.cloudfront.origin-facing"]
