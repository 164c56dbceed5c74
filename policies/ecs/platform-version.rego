# METADATA
# title: The newest Fargate
# description: Services run on the newest platform version of Fargate, or on 1.4.0 of Linux at least.
# scope: package
# custom:
#   id: platform-version
#   level: soft
#   severity: medium
#   why: Platform versions get corrections of the kernel and the runtime. Older ones have no ephemeral storage to choose, no EFS, and an end.
#   fsbp:
#     - ECS.10
#   checkov:
#     - CKV_AWS_332
package gitops.platform_version

import rego.v1

deny contains finding if {
	some address, service in input.kinds["ecs.service"]
	version := service.platform_version
	version != "LATEST"
	semver.is_valid(version)
	semver.compare(version, "1.4.0") < 0

	# Windows has versions of its own, which begin again with 1.0.0.
	task := object.get(input.kinds, ["ecs.task_definition", service.task_definition], {})
	not startswith(object.get(task, ["runtime_platform", "operating_system_family"], "LINUX"), "WINDOWS")
	finding := {
		"address": address,
		"field": ["platform_version"],
		"msg": sprintf("%s runs on the old platform version %s of Fargate", [data.gitops.lib.names.called(address), version]),
		"hint": "take the override away: the newest is taken then",
	}
}
