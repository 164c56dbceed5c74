//! Tests of what `elb.rule` does without AWS.

use agent_core::address::Address;

use super::*;

const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/edge/0123/4567";
const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/edge/0123/4567/89ab";

fn mark(component: &str) -> Mark {
    Mark { stack: "um".into(), address: Address::new(component, "elb.rule"), generation: "0123456789ab".into() }
}

fn header(values: &[&str], vault: &Vault) -> Condition {
    let values = values.iter().map(|plain| SecretRef::Sealed(vault.seal(plain))).collect();
    Condition::HttpHeader(HttpHeader { name: "X-Origin-Verify".into(), values })
}

#[test]
fn a_condition_is_read_as_it_was_sent() {
    let vault = Vault::new().unwrap();
    let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
    let pairs = [(Some("v"), "1"), (None, "beta")];
    let pair = |(key, value): (Option<&str>, &str)| QueryString { key: key.map(Into::into), value: value.into() };
    for condition in [
        Condition::HostHeader(strings(&["b.example.org", "a.example.org"])),
        Condition::PathPattern(strings(&["/inbox/*", "/inbox"])),
        Condition::HttpRequestMethod(strings(&["GET", "HEAD"])),
        Condition::SourceIp(strings(&["10.0.0.0/8", "2001:db8::/32"])),
        Condition::QueryString(pairs.map(pair).into()),
        header(&["new", "old"], &vault),
    ] {
        let sent = condition_sent("call", &condition, &vault).unwrap();
        assert_eq!(condition_read(&sent, &vault), condition);
    }
}

#[test]
fn the_short_form_of_a_condition_reads_like_the_long_one() {
    let short = RuleCondition::builder().field("path-pattern").values("/a").build();
    let read = condition_read(&short, &Vault::new().unwrap());
    assert_eq!(read, Condition::PathPattern(["/a".to_owned()].into()));
}

#[test]
fn what_cannot_be_wanted_is_read_and_never_sent() {
    let vault = Vault::new().unwrap();
    let config = HostHeaderConditionConfig::builder().regex_values("^a.*$").build();
    let live = RuleCondition::builder().field("host-header").host_header_config(config).build();
    let read = condition_read(&live, &vault);
    assert!(matches!(read, Condition::Other(_)), "{read:?}");
    assert_eq!(condition_sent("call", &read, &vault).unwrap_err().class, Class::Invalid);
}

#[test]
fn a_header_value_that_would_let_in_more_than_itself_is_not_sent() {
    let vault = Vault::new().unwrap();
    for value in ["canary*", "can?ry", ""] {
        let refused = condition_sent("call", &header(&[value], &vault), &vault).unwrap_err();
        assert_eq!(refused.class, Class::Invalid);
        assert!(!refused.message.contains("can"), "{refused}");
    }
}

#[test]
fn no_header_value_is_in_what_aws_says_about_a_request() {
    let vault = Vault::new().unwrap();
    let sent = condition_sent("call", &header(&["canary-5f2a"], &vault), &vault).unwrap();
    let silent = silenced(secrets_in(&[sent]));
    let fault = silent(Fault::new(Class::Invalid, "call", "ValidationError", "Value 'canary-5f2a' at 'conditions'"));
    assert_eq!(fault.message, "Value '(secret)' at 'conditions'");
}

#[test]
fn a_live_rule_knows_its_listener_by_its_arn() {
    let one = sdk::Rule::builder().rule_arn(RULE).priority("104");
    let one = one.actions(sdk::Action::builder().r#type("forward".into()).target_group_arn("arn:tg").build()).build();
    let live = rule_live(&one, &TagMap::new(), &Vault::new().unwrap()).unwrap();
    assert_eq!((live.spec.listener.as_str(), live.out.priority), (LISTENER, 104));
    assert_eq!(listener_of("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1"), None);
}

#[test]
fn a_rule_is_found_by_its_mark_and_a_stranger_by_the_priority() {
    let rule = |priority: &str| sdk::Rule::builder().rule_arn(RULE).priority(priority).build();
    let (mine, other, strange) = (rule("7"), rule("8"), rule("9"));
    let tags = |mark: &Mark| mark.tags(&TagMap::new());
    let (own, neighbour, nobody) = (tags(&mark("service.web")), tags(&mark("service.api")), TagMap::new());
    let all = vec![(&mine, &own), (&other, &neighbour), (&strange, &nobody)];
    let found = |component: &str, priority| {
        let found = chosen(all.clone(), &mark(component), priority);
        found.and_then(|(one, _)| priority_of(one))
    };
    assert_eq!(found("service.web", AwsDecides::Set(9)), Some(7), "its own, wherever it stands");
    assert_eq!(found("service.new", AwsDecides::Set(9)), Some(9), "a stranger's, to be told");
    assert_eq!(found("service.new", AwsDecides::Set(8)), None, "a neighbour's moves away by itself");
    assert_eq!(found("service.new", AwsDecides::Unset), None);
}
