//! Elastic Load Balancing's kinds in AWS, and what they share: what they read together, attributes, and words that are the
//! same in specs and in AWS. Whatever is asked for by ARN or name and is not there is an error there, and nothing
//! here.

mod action;
mod listener;
mod load_balancer;
mod read;
mod rule;
mod target_group;
mod targets;

use std::collections::BTreeMap;

use agent_core::fault::Fault;
use agent_core::field::Tags;
use agent_core::live::Mark;
use aws_sdk_elasticloadbalancingv2::types::Tag;
use serde::de::DeserializeOwned;

use crate::Aws;
use crate::fault::{fault, lacks, unless_gone};
use crate::words::{read_word, word};

/// How many resources an answer brings at most.
const PAGE: i32 = 400;

/// The tags of a resource.
type TagMap = BTreeMap<String, String>;

fn tags(mark: &Mark, wanted: &Tags) -> Vec<Tag> {
    mark.tags(&wanted.0).into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// A number of a spec as calls take it. One that is too large stays so, and AWS says it.
fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// A number of an answer as specs have it.
fn number<T: TryFrom<i32>>(action: &'static str, field: &str, number: Option<i32>) -> Result<T, Fault> {
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| lacks(action, field))
}

/// Attributes as they are sent, by AWS's keys.
type Sent = BTreeMap<&'static str, String>;

/// Those attributes of a spec that AWS holds otherwise.
fn differing(to: Sent, held: &Sent) -> Vec<(&'static str, String)> {
    to.into_iter().filter(|(key, value)| held.get(key) != Some(value)).collect()
}

/// Attributes as they were read. One that AWS does not give has its default: it does so for what a type or a protocol
/// does not have.
struct Attributes {
    action: &'static str,
    values: BTreeMap<String, String>,
}

impl Attributes {
    fn new(action: &'static str, pairs: impl IntoIterator<Item = (Option<String>, Option<String>)>) -> Self {
        Self { action, values: pairs.into_iter().filter_map(|(key, value)| Some((key?, value?))).collect() }
    }

    /// A text that is not empty.
    fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.text(key).map_or(default, |value| value == "true")
    }

    fn number(&self, key: &str, default: u32) -> Result<u32, Fault> {
        self.text(key).map_or(Ok(default), |value| value.parse().map_err(|_| lacks(self.action, key)))
    }

    fn word<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T, Fault> {
        self.text(key).map_or(Ok(default), |value| read_word(self.action, key, value))
    }
}

impl Aws {
    /// Writes our tags and the manifest's; other keys stay.
    async fn elb_write_tags(&self, arn: &str, mark: &Mark, wanted: &Tags) -> Result<(), Fault> {
        let call = self.elb.add_tags().resource_arns(arn).set_tags(Some(tags(mark, wanted)));
        call.send().await.map_err(fault("elasticloadbalancing:AddTags"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use agent_model::kinds::elb::Protocol;
    use agent_model::kinds::elb::load_balancer::{ClientRoutingPolicy, Scheme};
    use agent_model::kinds::elb::target_group::CrossZone;

    use agent_core::fault::Class;

    use super::*;

    #[test]
    fn words_of_specs_are_words_of_aws_both_ways() {
        assert_eq!(word(&Protocol::TcpUdp), "TCP_UDP");
        assert_eq!(word(&Scheme::InternetFacing), "internet-facing");
        assert_eq!(word(&ClientRoutingPolicy::AnyAvailabilityZone), "any_availability_zone");
        assert_eq!(read_word::<CrossZone>("a", "b", "true").unwrap(), CrossZone::True);
        let unknown =
            read_word::<Protocol>("elasticloadbalancing:DescribeListeners", "Protocol", "GENEVE").unwrap_err();
        assert_eq!(unknown.class, Class::Invalid);
    }

    #[test]
    fn only_attributes_that_differ_are_sent() {
        let to = Sent::from([("a", "1".to_owned()), ("b", "2".to_owned())]);
        let held = Sent::from([("a", "1".to_owned()), ("b", "3".to_owned()), ("c", "4".to_owned())]);
        assert_eq!(differing(to, &held), [("b", "2".to_owned())]);
    }

    #[test]
    fn an_attribute_that_aws_does_not_give_has_its_default() {
        let pair = |key: &str, value: &str| (Some(key.to_owned()), Some(value.to_owned()));
        let read = Attributes::new("a", [pair("on", "true"), pair("empty", ""), pair("n", "x")]);
        assert!(read.flag("on", false) && read.flag("absent", true) && read.flag("empty", true));
        assert_eq!((read.text("empty"), read.number("absent", 60).unwrap()), (None, 60));
        assert!(read.number("n", 60).is_err());
    }
}
