# METADATA
# title: Health is asked where requests go
# description: Health checks of target groups ask the port that requests go to.
# scope: package
# custom:
#   id: health-check-on-traffic-port
#   level: advisory
#   severity: low
#   why: A port beside it can answer while the one for requests does not.
package gitops.health_check_on_traffic_port

import rego.v1

deny contains finding if {
	some address, group in input.kinds["elb.target_group"]
	port := object.get(group, ["health_check", "port"], "traffic-port")
	port != "traffic-port"
	port != format_int(group.port, 10)
	finding := {
		"address": address,
		"field": ["health_check", "port"],
		"msg": sprintf("requests for %s go to port %d, and its health is asked on port %s", [
			data.gitops.lib.names.called(address),
			group.port,
			port,
		]),
		"hint": "take the override away, unless that port tells of the other one's health",
	}
}
