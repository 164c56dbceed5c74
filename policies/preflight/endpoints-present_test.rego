package gitops.endpoints_present_test

import rego.v1

import data.gitops.endpoints_present as rule

need(what, verdict, more) := object.union(
	{
		"address": "service.web/ecs.service",
		"what": what,
		"because": "writes its logs",
		"line": {"component": "service.web", "key": ["logs"]},
		"met": object.union({"verdict": verdict, "path": ["network.main/ec2.vpc"]}, object.get(more, "met", {})),
		"network": "network.main",
	},
	object.remove(more, ["met"]),
)

stack(needs, network) := {"manifest": {"network.main": network}, "facts": {"needs": needs}}

test_what_is_met_passes if {
	doc := stack([need("logs", "yes", {}), need("s3", "yes", {})], {})
	count(rule.deny) == 0 with input as doc
	count(rule.unknown) == 0 with input as doc
}

test_a_missing_endpoint_is_named_with_the_list_that_lacks_it if {
	doc := stack([need("logs", "no", {"lacks": "network.main/ec2.vpc has no endpoint for logs"})], {"endpoints": ["s3"]})
	some finding in rule.deny with input as doc
	finding.msg == "`service.web` writes its logs, and cannot reach `logs`: network.main/ec2.vpc has no endpoint for logs (service.web/ecs.service → network.main/ec2.vpc)"
	finding.hint == "add \"logs\" to the `endpoints` of `[network.main]`, or say `endpoints = \"auto\"`"
	finding.key == ["logs"]
}

test_an_endpoint_that_is_listed_and_does_not_serve_is_refused_too if {
	doc := stack([need("logs", "no", {"lacks": "it has no private DNS"})], {"endpoints": ["logs"]})
	count(rule.deny) == 1 with input as doc
}

test_each_need_is_a_finding_of_its_own if {
	doc := stack([need("logs", "no", {"lacks": "x"}), need("ssm", "no", {"lacks": "x"}), need("s3", "yes", {})], {})
	count(rule.deny) == 2 with input as doc
}

test_an_image_of_another_registry_asks_for_a_way_out if {
	lacking := {"because": "pulls the image nginx:1", "lacks": "there is no way to the internet"}
	doc := stack([need("internet", "no", lacking)], {})
	some finding in rule.deny with input as doc
	contains(finding.msg, "pulls the image nginx:1, and cannot reach the internet")
	contains(finding.hint, "nat = \"single\"")
}

test_what_is_not_known_is_no_pass if {
	doc := stack([need("logs", "unknown", {"met": {"fact": "the endpoints of vpc-1"}})], {})
	count(rule.deny) == 0 with input as doc
	some finding in rule.unknown with input as doc
	finding.fact == "the endpoints of vpc-1"
}

test_in_a_network_of_others_its_owner_has_to_add_it if {
	network := {"existing": {"vpc": "vpc-1", "subnets": {"private": ["subnet-1"]}}}
	doc := object.union(
		stack([need("logs", "no", {"lacks": "vpc-1 has no endpoint for logs"})], network),
		{"stack": {"region": "eu-west-1"}},
	)
	some finding in rule.deny with input as doc
	finding.hint == "add \"logs\" to the `endpoints` of the network in the stack that owns vpc-1, or make the endpoint com.amazonaws.eu-west-1.logs there by hand"
}

test_a_way_out_of_a_network_of_others_is_its_owners if {
	network := {"existing": {"vpc": "vpc-1", "subnets": {"private": ["subnet-1"]}}}
	doc := stack([need("internet", "no", {"lacks": "there is no way to the internet"})], network)
	some finding in rule.deny with input as doc
	finding.hint == "give the subnets a way out (`nat`) in the stack that owns vpc-1"
}
