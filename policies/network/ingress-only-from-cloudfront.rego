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
	not is_cloudfront(item.rule)
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

# Which list it is only AWS knows; one that something sends to (S3's) is not where requests come from.
is_cloudfront(rule) if {
	rule.peer.prefix_list
	not rule.peer.prefix_list in destinations
}

destinations contains item.rule.peer.prefix_list if {
	some item in data.gitops.lib.groups.egress
	startswith(item.rule.peer.prefix_list, "pl-")
}
