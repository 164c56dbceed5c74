package gitops.host_network_user_test

import rego.v1

import data.gitops.host_network_user as rule

task(mode, container) := {"kinds": {"ecs.task_definition": {"service.web/ecs.task_definition": {
	"network_mode": mode,
	"containers": {"web": container},
}}}}

test_a_user_of_its_own_passes if {
	count(rule.deny) == 0 with input as task("host", {"user": "1000:1000"})
}

test_root_is_told if {
	some finding in rule.deny with input as task("host", {"user": "root:root"})
	finding.msg == "`service.web` is in the network of the host and may be root"
	finding.key == ["container", "user"]
}

test_the_user_of_the_image_may_be_root if {
	count(rule.deny) == 1 with input as task("host", {})
}

test_in_a_network_of_its_own_it_does_not_matter_here if {
	count(rule.deny) == 0 with input as task("awsvpc", {})
}
