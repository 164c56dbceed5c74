package gitops.private_subnets_only_test

import rego.v1

import data.gitops.private_subnets_only as rule

closed := {
	"internet": {"verdict": "no", "path": ["network.main/ec2.subnet.private-1", "network.main/ec2.route_table.private"]},
	"public_ips": {"verdict": "no", "path": ["network.main/ec2.subnet.private-1"]},
}

open := {
	"internet": {"verdict": "yes", "path": ["network.main/ec2.subnet.public-1", "network.main/ec2.route_table.public", "0.0.0.0/0", "network.main/ec2.internet_gateway"]},
	"public_ips": {"verdict": "no", "path": ["network.main/ec2.subnet.public-1"]},
}

thing(what, subnets, assign) := {
	"address": "service.web/ecs.service",
	"what": what,
	"subnets": subnets,
	"assign_public_ip": assign,
	"line": {"component": "service.web", "key": ["tier"]},
}

stack(things, subnets, manifest) := {"manifest": manifest, "facts": {"placed": things, "subnets": subnets}}

test_private_subnets_pass if {
	doc := stack([thing("tasks", ["a", "b"], false)], {"a": closed, "b": closed}, {"service.web": {}})
	count(rule.deny) == 0 with input as doc
	count(rule.unknown) == 0 with input as doc
}

test_one_open_subnet_is_enough_and_the_path_is_told if {
	doc := stack([thing("tasks", ["a", "b"], false)], {"a": closed, "b": open}, {"service.web": {"tier": "public"}})
	some finding in rule.deny with input as doc
	contains(finding.msg, "the internet → network.main/ec2.internet_gateway → 0.0.0.0/0 → network.main/ec2.route_table.public → network.main/ec2.subnet.public-1 → service.web/ecs.service")
	finding.component == "service.web"
	finding.key == ["tier"]
	contains(finding.hint, "tier = \"private\"")
}

test_two_open_subnets_are_one_finding if {
	doc := stack([thing("tasks", ["a", "b"], true)], {"a": open, "b": open}, {"service.web": {}})
	count(rule.deny) == 1 with input as doc
	some finding in rule.deny with input as doc
	contains(finding.msg, "can be reached from the internet")
	contains(finding.msg, "(and through 1 more)")
}

test_a_public_address_is_refused_without_a_route_too if {
	doc := stack([thing("tasks", ["a"], true)], {"a": closed}, {"service.web": {}})
	some finding in rule.deny with input as doc
	finding.msg == "`service.web` gets public addresses: it asks for them"
}

test_a_subnet_that_gives_out_public_addresses_is_refused if {
	giving := object.union(closed, {"public_ips": {"verdict": "yes", "path": ["a"]}})
	doc := stack([thing("internal load balancer", ["a"], false)], {"a": giving}, {"service.web": {}})
	some finding in rule.deny with input as doc
	finding.msg == "`service.web` gets public addresses: the subnet a gives them out"
}

test_what_is_not_known_is_no_pass if {
	hidden := object.union(closed, {"internet": {"verdict": "unknown", "path": ["a"], "fact": "the routes of the main route table of vpc-1"}})
	doc := stack([thing("endpoint", ["a"], false)], {"a": hidden}, {"service.web": {}})
	count(rule.deny) == 0 with input as doc
	some finding in rule.unknown with input as doc
	finding.fact == "the routes of the main route table of vpc-1"
}
