package gitops.no_root_user_test

import rego.v1

import data.gitops.no_root_user as rule

task := "service.web/ecs.task_definition"

stack(more) := {"kinds": {"ecs.task_definition": {task: more}}}

container(more) := stack({"containers": {"web": object.union({"image": "hello:1.0.0"}, more)}})

test_other_users_pass if {
	every user in ["1000", "1000:0", "app", "app:root", "rooty"] {
		count(rule.deny) == 0 with input as container({"user": user})
	}
}

test_root_is_told if {
	every user in ["0", "root", "0:0", "root:1000"] {
		count(rule.deny) == 1 with input as container({"user": user})
	}
}

test_the_key_of_the_container_is_told if {
	some finding in rule.deny with input as container({"user": "root"})
	finding.key == ["container", "user"]
	finding.msg == "`service.web` runs as root, because it is told to"
}

test_what_unpacks_config_files_has_to_be_root if {
	count(rule.deny) == 0 with input as stack({"containers": {"agent-files": {"image": "a:1", "user": "0"}}})
}

test_the_user_of_the_image_is_not_known if {
	count(rule.deny) == 0 with input as container({})
}
