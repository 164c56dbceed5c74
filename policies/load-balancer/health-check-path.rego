# METADATA
# title: A path for health checks
# description: Health checks over HTTP ask for a path of their own, not for `/`.
# scope: package
# custom:
#   id: health-check-path
#   level: advisory
#   severity: low
#   why: The first page of a program often asks databases and others, is answered by a redirect, or is what everybody sees when all behind it is broken.
#   checkov:
#     - CKV_AWS_261
package gitops.health_check_path

import rego.v1

deny contains finding if {
	some address, group in input.kinds["elb.target_group"]
	group.protocol in {"HTTP", "HTTPS"}
	object.get(group, "protocol_version", "HTTP1") != "GRPC"
	object.get(group, ["health_check", "path"], "/") == "/"
	finding := {
		"address": address,
		"field": ["health_check", "path"],
		"key": ["health", "path"],
		"msg": sprintf("the health check of %s asks for `/`", [data.gitops.lib.names.called(address)]),
		"hint": "say which path tells whether the program works: `health = { path = \"/health\" }`",
	}
}
