# METADATA
# title: Only some paths are cached
# description: Distributions keep answers of some paths, not of all of a program that viewers also write to.
# scope: package
# custom:
#   id: cache-by-path
#   level: advisory
#   severity: high
#   why: What is kept is told apart by path alone. A page of one viewer that says nothing about caching is shown to all others for a day.
package gitops.cache_by_path

import rego.v1

# CachingOptimized and CachingOptimizedForUncompressedObjects: neither cookies nor queries count.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
by_path := {"658327ea-f89d-4fab-a63d-7e88639e58f6", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d"}

deny contains finding if {
	some address, distribution in input.kinds["cloudfront.distribution"]
	distribution.default_behavior.cache_policy in by_path
	"POST" in distribution.default_behavior.allowed_methods
	finding := {
		"address": address,
		"field": ["default_behavior", "cache_policy"],
		"key": ["cache"],
		"msg": sprintf("%s shows all viewers what one of them was answered, whatever cookies and queries they send, unless the answer forbids it", [data.gitops.lib.names.called(address)]),
		"hint": "cache what is the same for all: `paths = [{ path = \"/static/*\", cache = \"optimized\", methods = \"read\" }]`; or say `methods = \"read\"`",
	}
}
