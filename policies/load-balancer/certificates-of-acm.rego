# METADATA
# title: Certificates of ACM
# description: The certificates of listeners are of AWS Certificate Manager.
# scope: package
# custom:
#   id: certificates-of-acm
#   level: advisory
#   severity: medium
#   why: ACM renews what it issues. A certificate that was uploaded to IAM runs out, and nothing in AWS tells.
#   guard:
#     - ELBV2_ACM_CERTIFICATE_REQUIRED
package gitops.certificates_of_acm

import rego.v1

deny contains finding if {
	some address, listener in input.kinds["elb.listener"]
	some certificate in array.concat(own(listener), object.get(listener, "certificates", []))
	startswith(certificate, "arn:")
	split(certificate, ":")[2] != "acm"
	finding := {
		"address": address,
		"field": field(listener, certificate),
		"key": ["listeners", format_int(listener.port, 10), "certificate"],
		"msg": sprintf("the certificate of the listener %d of %s is not of ACM: `%s`", [
			listener.port,
			data.gitops.lib.names.called(address),
			certificate,
		]),
		"hint": "import it into ACM, or let ACM issue one, and name its ARN",
	}
}

own(listener) := [listener.certificate]

own(listener) := [] if not listener.certificate

field(listener, certificate) := ["certificate"] if object.get(listener, "certificate", "") == certificate

field(listener, certificate) := ["certificates"] if object.get(listener, "certificate", "") != certificate
