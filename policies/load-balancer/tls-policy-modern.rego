# METADATA
# title: Modern TLS
# description: Listeners with HTTPS and TLS have a security policy with TLS 1.2 or later, and nothing older.
# scope: package
# custom:
#   id: tls-policy-modern
#   level: soft
#   severity: high
#   why: TLS 1.0 and 1.1 have known attacks and are forbidden by PCI DSS; AWS takes a policy that has both where none is said.
#   fsbp:
#     - ELB.17
#   checkov:
#     - CKV_AWS_103
#     - CKV2_AWS_74
#   trivy:
#     - AVD-AWS-0047
#   guard:
#     - ELBV2_LISTENER_SSL_POLICY_RULE
package gitops.tls_policy_modern

import rego.v1

# Policies are named after the oldest TLS that they have: ELBSecurityPolicy-TLS13-1-2-Res-2021-06 has 1.2.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
modern := ["TLS13-1-3-", "TLS13-1-2-", "TLS-1-2-", "FS-1-2-"]

deny contains finding if {
	some address, listener in input.kinds["elb.listener"]
	listener.protocol in {"HTTPS", "TLS"}
	not is_modern(object.get(listener, "ssl_policy", "ELBSecurityPolicy-2016-08"))
	finding := {
		"address": address,
		"field": ["ssl_policy"],
		"key": ["listeners", format_int(listener.port, 10), "tls_policy"],
		"msg": sprintf("the listener %d of %s lets clients use old versions of TLS: `%s`", [
			listener.port,
			data.gitops.lib.names.called(address),
			object.get(listener, "ssl_policy", "ELBSecurityPolicy-2016-08"),
		]),
		"hint": "leave `tls_policy` out, or say `tls_policy = \"ELBSecurityPolicy-TLS13-1-2-2021-06\"`",
	}
}

is_modern(policy) if strings.any_prefix_match(trim_prefix(policy, "ELBSecurityPolicy-"), modern)
