//! `ec2.security_group_rule`: one rule of a group that is somebody else's to fill: of another stack, or made by hand. The
//! group's own resource, where there is one, leaves such rules alone.

use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Identity, Kind};
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::security_group::{Peer, Rule, SecurityGroupId};

/// A rule of a security group.
pub struct SecurityGroupRule;

/// The wanted state of a rule, after
/// [AuthorizeSecurityGroupIngress](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html)
/// and [SecurityGroupRule](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The group that gets the rule. It cannot be changed.
    pub security_group: Link<SecurityGroupId>,
    /// Whether it lets in or out. It cannot be changed.
    pub direction: Direction,
    /// What it lets through. Its description can be changed, the rest cannot.
    pub rule: Rule,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// The direction of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To what is in the group.
    Ingress,
    /// From what is in the group.
    Egress,
}

/// What AWS knows of a rule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `sgr-…`
    pub id: String,
}

/// A rule's id.
pub struct SecurityGroupRuleId;
impl Target for SecurityGroupRuleId {
    const KIND: &'static str = SecurityGroupRule::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for SecurityGroupRule {
    const NAME: &'static str = "ec2.security_group_rule";
    type Spec = Spec;
    type Out = Out;
    // "InvalidPermission.Duplicate": a group has each rule once, whoever made it.
    const IDENTITY: Identity = Identity::UniqueName;
    // ModifySecurityGroupRules would change some of it, and never the type of the peer; two rules that differ can stand
    // beside each other, so a path that both allow stays open.
    const IMMUTABLE: &'static [&'static str] =
        &["direction", "rule.from_port", "rule.peer", "rule.protocol", "rule.to_port", "security_group"];
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeSecurityGroupRules")];
    const DOC: &'static str = "A rule of a group that somebody else fills \
        (https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html).";

    fn unique(spec: &Spec) -> Option<String> {
        // While group and peer are not known, nothing can be said about what is taken.
        let group = Some(spec.security_group.as_str()).filter(|id| !id.is_empty())?;
        let peer = match spec.rule.peer() {
            Peer::CidrIpv4(block) => block.to_string(),
            Peer::CidrIpv6(block) => block.to_string(),
            Peer::Group(peer) => Some(peer.as_str()).filter(|id| !id.is_empty())?.to_owned(),
            Peer::PrefixList(list) => list.clone(),
        };
        let ports = spec.rule.ports().map(|(from, to)| format!("{from}-{to}")).unwrap_or_default();
        let direction = match spec.direction {
            Direction::Ingress => "in",
            Direction::Egress => "out",
        };
        Some(format!("sgr/{group}/{direction}/{}/{ports}/{peer}", spec.rule.protocol()))
    }
}

#[cfg(test)]
mod tests {
    use agent_core::kind::Change;
    use serde_json::{Value, json};

    use super::*;

    fn spec(group: &str, more: &Value) -> Spec {
        let mut rule = json!({ "protocol": "tcp", "from_port": 443, "peer": { "cidr_ipv4": "10.0.0.0/8" } });
        for (key, member) in more.as_object().unwrap() {
            rule[key] = member.clone();
        }
        serde_json::from_value(json!({ "security_group": group, "direction": "ingress", "rule": rule })).unwrap()
    }

    #[test]
    fn a_rule_is_unique_by_all_but_its_description() {
        let name = |more: Value| SecurityGroupRule::unique(&spec("sg-1", &more)).unwrap();
        let base = name(json!({}));
        assert_eq!(base, "sgr/sg-1/in/tcp/443-443/10.0.0.0/8");
        assert_eq!(name(json!({ "description": "from inside" })), base);
        assert_ne!(name(json!({ "from_port": 80 })), base);
        assert_ne!(name(json!({ "protocol": "all" })), base);
        assert_ne!(name(json!({ "peer": { "group": "sg-2" } })), base);
    }

    #[test]
    fn nothing_is_unique_while_a_group_is_not_known() {
        let open = json!({ "peer": { "group": { "$ref": "service.web/ec2.security_group", "field": "id" } } });
        assert_eq!(SecurityGroupRule::unique(&spec("sg-1", &open)), None);
        let own = Spec { security_group: Link::to("service.web"), ..spec("sg-1", &json!({})) };
        assert_eq!(SecurityGroupRule::unique(&own), None);
    }

    #[test]
    fn only_description_and_tags_change_in_place() {
        let change = |path| SecurityGroupRule::change(path, &Value::Null, &Value::Null);
        for path in ["rule.description", "tags.owner", "tags"] {
            assert_eq!(change(path), Change::InPlace, "{path}");
        }
        for path in
            ["rule.peer", "rule.peer.cidr_ipv4", "rule.protocol", "rule.from_port", "direction", "security_group"]
        {
            assert_eq!(change(path), Change::Replace, "{path}");
        }
    }
}
