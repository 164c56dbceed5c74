# METADATA
# title: Forward secrecy
# description: Security policies of listeners have no ciphers without forward secrecy.
# scope: package
# custom:
#   id: tls-forward-secrecy
#   level: advisory
#   severity: medium
#   why: Without it, whoever gets the private key some day reads all that was recorded until then.
#   fsbp:
#     - ELB.17
#   trivy:
#     - AVD-AWS-0047
package gitops.tls_forward_secrecy

import rego.v1

# Those of which some ciphers exchange keys with RSA.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
deny contains finding if {
	some address, listener in input.kinds["elb.listener"]
	is_without(listener.ssl_policy)
	finding := {
		"address": address,
		"field": ["ssl_policy"],
		"key": ["listeners", format_int(listener.port, 10), "tls_policy"],
		"msg": sprintf("the policy `%s` of the listener %d of %s has ciphers without forward secrecy", [
			listener.ssl_policy,
			listener.port,
			data.gitops.lib.names.called(address),
		]),
		"hint": "leave `tls_policy` out, or say `tls_policy = \"ELBSecurityPolicy-TLS13-1-2-2021-06\"`",
	}
}

is_without(policy) if contains(policy, "-Ext1-")

is_without(policy) if contains(policy, "-Ext2-")

is_without(policy) if startswith(policy, "ELBSecurityPolicy-TLS-1-2-")
