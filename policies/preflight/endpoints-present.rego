# METADATA
# title: Endpoints present
# description: Tasks reach all that they need to start and to work (their images, logs, parameters and secrets, ECS Exec), through VPC endpoints with private DNS and gateway endpoints on their route tables, or over a way to the internet.
# scope: package
# custom:
#   id: endpoints-present
#   level: hard
#   severity: high
#   why: A task that cannot reach its registry, its logs or its secrets does not start, and ECS says so minutes after the merge.
package gitops.endpoints_present

import rego.v1

deny contains finding if {
	some need in input.facts.needs
	need.met.verdict == "no"
	finding := object.union(place(need), {
		"msg": sprintf("`%s` %s, and cannot reach %s: %s", [
			need.line.component,
			need.because,
			target(need),
			lacks(need),
		]),
		"hint": hint(need),
	})
}

unknown contains finding if {
	some need in input.facts.needs
	need.met.verdict == "unknown"
	finding := object.union(place(need), {
		"msg": sprintf("`%s` %s, and whether it can depends on %s", [need.line.component, need.because, need.met.fact]),
		"fact": need.met.fact,
		"hint": "put it into a network that the stack owns, or let the agent ask AWS",
	})
}

place(need) := {"address": need.address, "component": need.line.component, "key": need.line.key}

target(need) := "the internet" if need.what == "internet"

target(need) := sprintf("`%s`", [need.what]) if need.what != "internet"

# How far it gets, and why no further.
lacks(need) := sprintf("%s (%s)", [need.lacks, concat(" → ", array.concat([need.address], need.met.path))])

hint(need) := hint_existing(need) if is_existing(need)

hint(need) := hint_internet(need) if {
	need.what == "internet"
	not is_existing(need)
}

hint(need) := sprintf("add \"%s\" to the `endpoints` of `[%s]`, or say `endpoints = \"auto\"`", [need.what, need.network]) if {
	need.what != "internet"
	is_listed(need)
}

hint(need) := sprintf("say `endpoints = \"auto\"` in `[%s]`, or `nat = \"single\"`", [need.network]) if {
	need.what != "internet"
	need.network
	not is_listed(need)
	not is_existing(need)
}

hint(need) := "add the endpoint to the VPC" if {
	need.what != "internet"
	not need.network
}

hint_internet(need) := sprintf("take the image through ECR (a pull-through cache), or say `nat = \"single\"` in `[%s]`", [need.network]) if {
	need.network
	startswith(need.because, "pulls the image")
}

hint_internet(need) := sprintf("say `nat = \"single\"` in `[%s]`", [need.network]) if {
	need.network
	not startswith(need.because, "pulls the image")
}

hint_internet(need) := "give its subnets a way to the internet" if not need.network

# Nothing is made in a network of others: whoever owns it has to.
hint_existing(need) := sprintf("add \"%s\" to the `endpoints` of the network in the stack that owns %s, or make the endpoint com.amazonaws.%s.%s there by hand", [need.what, vpc(need), input.stack.region, need.what]) if {
	need.what != "internet"
}

hint_existing(need) := sprintf("take the image through ECR (a pull-through cache), or give the subnets a way out (`nat`) in the stack that owns %s", [vpc(need)]) if {
	need.what == "internet"
	startswith(need.because, "pulls the image")
}

hint_existing(need) := sprintf("give the subnets a way out (`nat`) in the stack that owns %s", [vpc(need)]) if {
	need.what == "internet"
	not startswith(need.because, "pulls the image")
}

is_existing(need) if vpc(need)

vpc(need) := input.manifest[need.network].existing.vpc

is_listed(need) if {
	listed := input.manifest[need.network].endpoints
	is_array(listed)
	not need.what in listed
}
