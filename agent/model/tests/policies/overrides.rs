//! What rules see of an override, and where their findings point.

use std::collections::BTreeMap;

use agent_core::allowed::{Finding, Judge};
use agent_core::manifest::{FileEntry, StackFiles};
use agent_policy::bundle::{Bundle, Policy};
use agent_policy::judge::Rules;
use futures_util::FutureExt;

use crate::bench::{Here, Stack, answers, document};

const RULE: &str = r#"# METADATA
# title: Headers
# description: Load balancers drop invalid headers.
# scope: package
# custom:
#   id: headers
#   level: hard
#   severity: high
#   why: Because.
package gitops.headers

import rego.v1

deny contains finding if {
	some address, spec in input.kinds["elb.load_balancer"]
	spec.application.drop_invalid_header_fields == false
	finding := {
		"msg": "it takes any header",
		"address": address,
		"field": ["application", "drop_invalid_header_fields"],
		"key": ["drop_invalid_header_fields"],
	}
}

deny contains finding if {
	some component, table in input.manifest
	"ecs.service" in object.keys(table.override)
	finding := {"msg": "it overrides its service", "component": component}
}
"#;

const STACK: &str = "[stack]\nname = \"um\"\nregion = \"eu-west-1\"\naccount = \"123456789012\"\n\
                     [network.main]\ncidr = \"10.20.0.0/16\"\n";

/// What the rule says of a stack, and the lines that it points at.
fn judged(text: &str) -> Vec<(Finding, String)> {
    let text = format!("{STACK}{text}");
    let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
    let stack = Stack::new(&StackFiles { files, ..StackFiles::default() }, "", &answers());
    let stack = stack.unwrap_or_else(|problems| panic!("{problems}"));
    let bundle = Bundle::new(vec![Policy { file: "headers.rego".into(), text: RULE.into() }]).unwrap();
    let findings = Rules::new(bundle, document, Here).desired(&stack.desired).now_or_never().unwrap();
    let line = |finding: &Finding| text.lines().nth(stack.line(finding).unwrap() - 1).unwrap().to_owned();
    findings.into_iter().map(|finding| (finding.clone(), line(&finding))).collect()
}

#[test]
fn a_finding_about_a_field_points_at_its_override_or_at_the_key() {
    let balancer = "[load_balancer.edge]\nlisteners = { 80 = {} }\n";
    let by_override = format!(
        "{balancer}[load_balancer.edge.override.\"elb.load_balancer\".application]\nhttp2 = true\ndrop_invalid_header_fields = false\n"
    );
    let by_key = format!("{balancer}drop_invalid_header_fields = false # the key\n");
    assert_eq!(judged(balancer), []);
    for (text, expected) in
        [(by_override, "drop_invalid_header_fields = false"), (by_key, "drop_invalid_header_fields = false # the key")]
    {
        let [(finding, line)] = judged(&text).try_into().unwrap();
        assert_eq!(finding.field, ["application", "drop_invalid_header_fields"]);
        assert_eq!(line, expected);
    }
}

#[test]
fn a_rule_can_ask_what_is_overridden() {
    let service = "[service.web]\nimage = \"web:1\"\noverride.\"ecs.service\" = { desired_count = 3 }\n";
    let [(finding, line)] = judged(service).try_into().unwrap();
    assert_eq!((finding.component.as_deref(), line.as_str()), (Some("service.web"), "[service.web]"));
}
