//! What resources are called in AWS: made from the names of stack and component, cut to the service's limit with a hash.
//! Names are public for ever, because AWS knows most things by them; a snapshot of the example stacks holds them.

use agent_core::address::Scope;
use agent_core::doc::digest;
use agent_core::field::Name;

/// The longest name that each kind takes, with the page that says so. Kinds of which two generations may stand side by
/// side get their last nine characters from the engine ([`Name::Base`]).
pub mod limits {
    /// [CreateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html).
    pub const ROLE: usize = 64;
    /// [CreateLoadBalancer](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html).
    pub const LOAD_BALANCER: usize = 32;
    /// [CreateTargetGroup](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html).
    pub const TARGET_GROUP: usize = 32;
    /// [CreateCluster](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html); the same for
    /// services and the families of task definitions.
    pub const ECS: usize = 255;
    /// [DistributionConfig](https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html): the
    /// comment.
    pub const COMMENT: usize = 128;
}

/// What the engine adds to a base: a hyphen and eight digits of the generation.
const GENERATION: usize = 9;
/// Hex digits of the hash in a name that had to be cut.
const HASH: usize = 6;

/// The parts joined by hyphens, cut with a hash of the whole where that is longer than `most`.
pub fn name(parts: &[&str], most: usize) -> String {
    fit(&parts.join("-"), most)
}

/// The name of something global (a role): the region is part of it, so that a stack may stand in two regions.
pub fn global(parts: &[&str], scope: &Scope, most: usize) -> String {
    let mut parts = parts.to_vec();
    parts.push(&scope.region);
    name(&parts, most)
}

/// A name of which two generations may stand side by side.
pub fn base(parts: &[&str], most: usize) -> Name {
    Name::Base { base: name(parts, most.saturating_sub(GENERATION)), max: most }
}

/// A name that does not begin with a word that AWS keeps for itself.
pub fn not_beginning(reserved: &[&str], name: String) -> String {
    if reserved.iter().any(|word| name.starts_with(word)) { format!("stack-{name}") } else { name }
}

/// The name of a parameter: `/hello/greeting`. AWS keeps `aws` and `ssm` for itself
/// ([PutParameter](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html)), and the agent keeps below
/// `/gitops-agent/` what it knows of stacks, by their names.
pub fn parameter(stack: &str, rest: &str) -> String {
    let reserved: &[&str] = if stack == "gitops-agent" { &["gitops-agent"] } else { &["aws", "ssm"] };
    format!("/{}/{rest}", not_beginning(reserved, stack.to_owned()))
}

/// The name of a security group: what it belongs to and its purpose. AWS keeps `sg-` for its ids.
pub fn security_group(parts: &[&str]) -> Name {
    let most = crate::kinds::ec2::security_group::NAME_MAX;
    let base = not_beginning(&["sg-"], parts.join("-").replace('_', "-"));
    Name::Base { base: fit(&base, most.saturating_sub(GENERATION)), max: most }
}

/// The name of a load balancer. AWS keeps `internal-` for itself.
pub fn load_balancer(parts: &[&str]) -> Name {
    let base = not_beginning(&["internal-"], parts.join("-"));
    Name::Base { base: fit(&base, limits::LOAD_BALANCER.saturating_sub(GENERATION)), max: limits::LOAD_BALANCER }
}

/// A text as it is, or its beginning with a hash of the whole. The hash keeps apart what only differs at the end.
pub fn fit(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let hash = short_hash(text);
    let room = most.saturating_sub(HASH + 1);
    let head: String = text.chars().take(room).collect();
    format!("{}-{hash}", head.trim_end_matches('-'))
}

/// A word for a key of an address: letters and digits of the text, and a hash of it, because the word alone loses what
/// stood between them.
pub fn slug(text: &str) -> String {
    const MOST: usize = 32;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let plain = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let head: String = plain.chars().take(MOST).collect();
    let head = if head.is_empty() { "any" } else { head.trim_end_matches('-') };
    format!("{head}-{}", short_hash(text))
}

fn short_hash(text: &str) -> String {
    digest(text).chars().take(HASH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_is_left_alone_and_a_long_one_keeps_its_beginning() {
        assert_eq!(name(&["hello", "web"], 32), "hello-web");
        let one = name(&["a-stack-with-a-very-long-name", "web-one"], 32);
        let two = name(&["a-stack-with-a-very-long-name", "web-two"], 32);
        assert_ne!(one, two);
        assert!(one.len() <= 32 && one.starts_with("a-stack-with-a-very-long-"), "{one}");
    }

    #[test]
    fn a_base_leaves_room_for_the_generation() {
        let Name::Base { base, max } = base(&["a-stack-with-a-long-name", "web", "edge-http"], 32) else {
            panic!("no base");
        };
        assert!(base.len() + GENERATION <= max, "{base}");
        let finished = Name::finish(&base, max, "0123456789ab");
        assert!(finished.starts_with(&base), "the hash would be cut off: {finished}");
    }

    #[test]
    fn words_that_aws_keeps_for_itself_are_avoided() {
        assert_eq!(parameter("hello", "greeting"), "/hello/greeting");
        assert_eq!(parameter("aws-tools", "greeting"), "/stack-aws-tools/greeting");
        assert_eq!(parameter("gitops-agent", "greeting"), "/stack-gitops-agent/greeting");
        assert_eq!(parameter("gitops-agent-x", "greeting"), "/gitops-agent-x/greeting");
        assert_eq!(security_group(&["sg", "service", "web"]).as_str(), "stack-sg-service-web");
        assert_eq!(security_group(&["um", "load_balancer", "edge"]).as_str(), "um-load-balancer-edge");
    }

    #[test]
    fn slugs_of_like_paths_differ() {
        assert!(slug("/inbox/*").starts_with("inbox-"));
        assert_ne!(slug("/inbox/*"), slug("/inbox*"));
        assert_ne!(slug("/a/b"), slug("/a-b"));
        assert!(slug("/*").starts_with("any-"));
    }

    #[test]
    fn no_name_ends_or_goes_on_with_two_hyphens() {
        // 25 characters of the head, of which the last is a hyphen.
        let text = format!("{}-{}", "a".repeat(24), "b".repeat(20));
        assert!(!fit(&text, 32).contains("--"));
    }
}
