# METADATA
# title: An object for the root
# description: Distributions say which object answers requests of `/`.
# scope: package
# custom:
#   id: default-root-object
#   level: off
#   severity: low
#   why: For distributions in front of buckets, which list what is in them without it. A program answers `/` by itself.
#   fsbp:
#     - CloudFront.1
#   checkov:
#     - CKV_AWS_305
#   guard:
#     - CLOUDFRONT_DEFAULT_ROOT_OBJECT_CONFIGURED
package gitops.default_root_object

import rego.v1

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	object.get(distribution, "default_root_object", "") == ""
	finding := {
		"address": address,
		"field": ["default_root_object"],
		"key": ["root_object"],
		"msg": sprintf("%s has no object for `/`", [data.gitops.lib.names.called(address)]),
		"hint": "say `root_object = \"index.html\"`",
	}
}
