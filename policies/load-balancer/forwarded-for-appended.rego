# METADATA
# title: The client is told truly
# description: Application load balancers add the address of the client to `X-Forwarded-For`.
# scope: package
# custom:
#   id: forwarded-for-appended
#   level: soft
#   severity: medium
#   why: A header that passes unchanged says whatever the client wrote into it, and programs take it for the address of the client.
package gitops.forwarded_for_appended

import rego.v1

deny contains finding if {
	some address, balancer in input.kinds["elb.load_balancer"]
	mode := balancer.application.xff_header_processing
	mode != "append"
	finding := {
		"address": address,
		"field": ["application", "xff_header_processing"],
		"msg": sprintf("%s %s", [data.gitops.lib.names.called(address), effect(mode)]),
		"hint": "take the override away: the client's address is appended then",
	}
}

effect("preserve") := "lets clients say in `X-Forwarded-For` who they are"

effect("remove") := "takes `X-Forwarded-For` away: nobody behind it knows who asks"
