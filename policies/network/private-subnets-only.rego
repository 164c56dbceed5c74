# METADATA
# title: Private subnets only
# description: Tasks, internal load balancers and interface endpoints stand in subnets without a route to an internet gateway, and have no public addresses. A subnet without a route table of its own uses the main one of its VPC.
# scope: package
# custom:
#   id: private-subnets-only
#   level: hard
#   severity: high
#   why: Whatever has a public address and a route to an internet gateway can be reached from everywhere, past the load balancer and CloudFront.
package gitops.private_subnets_only

import rego.v1

# One finding for each thing: its subnets are mostly open for the same reason.
deny contains finding if {
	some thing in input.facts.placed
	paths := [subnet.internet.path |
		some name in thing.subnets
		subnet := input.facts.subnets[name]
		subnet.internet.verdict == "yes"
	]
	count(paths) > 0
	finding := object.union(place(thing), {
		"msg": sprintf("%s %s: %s%s", [
			called(thing),
			stands(thing),
			concat(" → ", array.concat(["the internet"], reverse(array.concat([thing.address], paths[0])))),
			others(paths),
		]),
		"hint": hint(thing, paths[0]),
	})
}

deny contains finding if {
	some thing in input.facts.placed
	not has_route(thing)
	reason := public_address(thing)
	finding := object.union(place(thing), {
		"msg": sprintf("%s gets public addresses: %s", [called(thing), reason]),
		"hint": "take the public addresses away: nothing in a private subnet needs one",
	})
}

unknown contains finding if {
	some thing in input.facts.placed
	some name in thing.subnets
	some fact in ["internet", "public_ips"]
	way := input.facts.subnets[name][fact]
	way.verdict == "unknown"
	finding := object.union(place(thing), {
		"msg": sprintf("whether %s can be reached from the internet depends on %s", [called(thing), way.fact]),
		"fact": way.fact,
		"hint": "put it into subnets of a network that the stack owns, or let the agent ask AWS",
	})
}

has_route(thing) if {
	some name in thing.subnets
	input.facts.subnets[name].internet.verdict == "yes"
}

public_address(thing) := "it asks for them" if thing.assign_public_ip

public_address(thing) := sprintf("the subnet %s gives them out", [name]) if {
	not thing.assign_public_ip
	names := sort([name |
		some name in thing.subnets
		input.facts.subnets[name].public_ips.verdict == "yes"
	])
	count(names) > 0
	name := names[0]
}

place(thing) := {"address": thing.address, "component": thing.line.component, "key": thing.line.key}

called(thing) := sprintf("`%s`", [thing.line.component]) if thing.what == "tasks"

called(thing) := sprintf("the %s of `%s`", [thing.what, thing.line.component]) if thing.what == "endpoint"

called(thing) := sprintf("`%s`", [thing.line.component]) if thing.what == "internal load balancer"

stands(thing) := "can be reached from the internet" if public_address(thing)

stands(thing) := "stands in a subnet that is open to the internet" if not public_address(thing)

others(paths) := "" if count(paths) == 1

others(paths) := sprintf(" (and through %d more)", [count(paths) - 1]) if count(paths) > 1

reverse(list) := [list[at] | some n in numbers.range(1, count(list)); at := count(list) - n]

hint(thing, _) := sprintf("say `tier = \"private\"` in `[%s]`", [thing.line.component]) if {
	input.manifest[thing.line.component].tier == "public"
}

hint(thing, _) := "add \"private\" to the `tiers` of the network: its endpoints stand there" if {
	not input.manifest[thing.line.component].tier == "public"
	thing.what == "endpoint"
}

hint(thing, path) := sprintf("take the route %s out of %s, or choose another tier", [path[2], path[1]]) if {
	not input.manifest[thing.line.component].tier == "public"
	thing.what != "endpoint"
}
