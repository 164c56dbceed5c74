package gitops.lib.names_test

import rego.v1

test_a_resource_is_of_its_component if {
	data.gitops.lib.names.component("network.main/ec2.subnet.private-1") == "network.main"
}

test_what_is_no_address_is_its_own_component if {
	data.gitops.lib.names.component("vpc-1") == "vpc-1"
}

test_the_name_is_all_behind_the_type if {
	data.gitops.lib.names.name("dns.app.example.org") == "app.example.org"
}

test_a_component_is_called_in_backticks if {
	data.gitops.lib.names.called("service.web/ecs.service") == "`service.web`"
}
