package gitops.lib.containers_test

import rego.v1

task := "service.web/ecs.task_definition"

test_the_application_is_written_in_the_service_itself if {
	data.gitops.lib.containers.key(task, "web", ["image"]) == ["image"]
	data.gitops.lib.containers.more(task, "web", ["user"]) == ["container", "user"]
}

test_a_sidecar_has_a_table_of_its_own if {
	data.gitops.lib.containers.key(task, "proxy", ["image"]) == ["sidecar", "proxy", "image"]
	data.gitops.lib.containers.more(task, "proxy", ["user"]) == ["sidecar", "proxy", "user"]
}

test_the_application_is_called_as_its_service if {
	data.gitops.lib.containers.called(task, "web") == "`service.web`"
}

test_a_sidecar_is_called_with_its_service if {
	data.gitops.lib.containers.called(task, "proxy") == "the container `proxy` of `service.web`"
}

test_a_variable_is_written_among_the_others_or_in_a_file if {
	doc := {"manifest": {"service.web": {"env": {"A": "x"}, "env_file": "env", "sidecar": {"proxy": {"env": {"B": "x"}}}}}}
	data.gitops.lib.containers.variable(task, "web", "A") == ["env", "A"] with input as doc
	data.gitops.lib.containers.variable(task, "web", "B") == ["env_file"] with input as doc
	data.gitops.lib.containers.variable(task, "proxy", "B") == ["sidecar", "proxy", "env", "B"] with input as doc
}
