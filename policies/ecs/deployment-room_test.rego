package gitops.deployment_room_test

import rego.v1

import data.gitops.deployment_room as rule

stack(more) := {"kinds": {"ecs.service": {"service.web/ecs.service": more}}}

service(tasks, least, most) := stack({"desired_count": tasks, "deployment": {"minimum_healthy_percent": least, "maximum_percent": most}})

test_room_above_passes if {
	every tasks in [1, 2, 10] {
		count(rule.deny) == 0 with input as service(tasks, 100, 200)
	}
}

test_room_below_passes if {
	count(rule.deny) == 0 with input as service(2, 50, 100)
	count(rule.deny) == 0 with input as service(1, 0, 100)
}

test_no_room_is_refused if {
	some finding in rule.deny with input as service(2, 100, 100)
	finding.msg == "no deployment of `service.web` gets anywhere: of 2 tasks 100% must run, and 100% may"
	finding.key == ["deploy", "maximum_percent"]
}

test_what_is_rounded_away_is_no_room if {
	count(rule.deny) == 1 with input as service(1, 100, 150)
	count(rule.deny) == 1 with input as service(3, 90, 120)
	count(rule.deny) == 0 with input as service(2, 100, 150)
}

test_no_tasks_need_no_room if {
	count(rule.deny) == 0 with input as service(0, 100, 100)
}

test_what_ecs_takes_passes if {
	count(rule.deny) == 0 with input as stack({})
}
