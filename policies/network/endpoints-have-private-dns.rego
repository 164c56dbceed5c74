# METADATA
# title: Endpoints have private DNS
# description: The usual name of a service leads to its interface endpoint.
# scope: package
# custom:
#   id: endpoints-have-private-dns
#   level: soft
#   severity: medium
#   why: Programs ask for the usual name. Without private DNS they pass the endpoint by, which is paid for all the same.
package gitops.endpoints_have_private_dns

import rego.v1

deny contains finding if {
	some address, endpoint in input.kinds["ec2.vpc_endpoint"]
	endpoint.vpc_endpoint_type == "interface"
	not endpoint.private_dns_enabled
	finding := {
		"address": address,
		"field": ["private_dns_enabled"],
		"key": ["endpoints"],
		"msg": sprintf("the endpoint of %s for %s has no private DNS", [data.gitops.lib.names.called(address), endpoint.service_name]),
		"hint": "say `private_dns_enabled = true`",
	}
}
