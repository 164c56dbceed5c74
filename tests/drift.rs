//! What somebody changes by hand, and what a revision takes back, over emulated AWS: found by the next look, put right by
//! the next pass, and then nothing is left to do. (The same for every kind, and more of it, is tested on the fake.)

use std::sync::Arc;

use agent_core::address::Address;
use agent_core::allowed::Allowed;
use agent_core::desired::Desired;
use agent_core::live::{TAG_ADDRESS, TAG_GENERATION, TAG_STACK};
use agent_core::plan::Op;
use agent_core::state::Ended;
use aws_sdk_ec2::types::{IpPermission, IpRange, NatGatewayState, ResourceType, Tag, TagSpecification};

use crate::bench::emulator::Emulator;
use crate::bench::name::Kind;
use crate::bench::record;
use crate::bench::wire::Wire;
use crate::hello;
use crate::world::World;

/// `hello`, applied, in a region of its own.
struct Hello {
    wire: Arc<Wire>,
    world: World,
    text: String,
}

impl Hello {
    async fn applied(stack: &str, region: &'static str) -> Self {
        let text = hello::TEXT.replace("name    = \"hello\"", &format!("name    = \"{stack}\""));
        Self::applied_as(stack, region, &text.replace("eu-west-1", region)).await
    }

    async fn applied_as(stack: &str, region: &'static str, text: &str) -> Self {
        let wire = Wire::new(Emulator::shared());
        let hello = Self { world: World::emulated(&wire, stack, region), wire, text: text.to_owned() };
        hello.converges(text).await;
        hello
    }

    async fn desired(&self, text: &str) -> Allowed<Desired> {
        let answers = self.aws().answers(hello::questions(text)).await.unwrap();
        self.world.desired(hello::resources(text, &answers))
    }

    async fn converges(&self, text: &str) {
        let pass = self.world.converge(&self.desired(text).await).await.unwrap();
        assert_eq!(pass.ended, Ended::Converged, "{:?}", pass.report.failures().collect::<Vec<_>>());
    }

    /// The steps that the next look plans, as `verb address: paths`.
    async fn planned(&self, text: &str) -> Vec<String> {
        let look = self.world.look(&self.desired(text).await).await.unwrap();
        let said = look.plan.steps.iter().map(|step| {
            let paths: Vec<&str> = match &step.op {
                Op::Update { changes, .. } => changes.iter().map(|change| change.path.as_str()).collect(),
                _ => Vec::new(),
            };
            format!("{} {}: {}", step.op.verb(), step.address, paths.join(" "))
        });
        said.collect()
    }

    /// Puts AWS right, looks that nothing is left to do, and takes everything down.
    async fn is_put_right(&self, text: &str) {
        self.converges(text).await;
        let before = self.wire.calls().len();
        self.converges(text).await;
        let again = self.wire.calls().split_off(before);
        assert!(again.iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(&again));
    }

    async fn down(self) {
        let end = self.world.destroy(&self.world.desired(Vec::new())).await.unwrap();
        assert_eq!(end.ended, Ended::Converged, "{:?}", end.report.waiting().collect::<Vec<_>>());
    }

    async fn id(&self, address: &str) -> String {
        let address: Address = address.parse().unwrap();
        let look = self.world.look(&self.desired(&self.text).await).await.unwrap();
        look.plan.current[&address].id.clone()
    }

    fn aws(&self) -> &agent_aws::Aws {
        self.world.aws.as_deref().unwrap()
    }
}

#[tokio::test]
async fn a_rule_that_was_added_to_a_group_by_hand_is_removed() {
    let hello = Hello::applied("drift-rule", "ap-south-1").await;
    let group = hello.id("service.web/ec2.security_group").await;
    let ingress = || async {
        let groups = hello.aws().ec2.describe_security_groups().group_ids(&group).send().await.unwrap();
        groups.security_groups()[0].ip_permissions().to_vec()
    };
    let before = ingress().await;
    let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22);
    let ssh = ssh.ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build();
    let call = hello.aws().ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(ssh);
    call.send().await.unwrap();
    assert_eq!(ingress().await.len(), before.len() + 1);
    assert_eq!(hello.planned(&hello.text).await, ["update service.web/ec2.security_group: ingress"]);
    hello.is_put_right(&hello.text).await;
    assert_eq!(ingress().await, before);
    hello.down().await;
}

/// A way in that another stack has made in a group of this one: its own resource, and none of the group's business.
#[tokio::test]
async fn a_rule_of_another_stack_is_left_alone_while_one_by_hand_is_removed() {
    let hello = Hello::applied("drift-foreign", "sa-east-1").await;
    let group = hello.id("service.web/ec2.security_group").await;
    let open = |port: i32| {
        let range = IpRange::builder().cidr_ip("10.99.0.0/16").build();
        IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port).ip_ranges(range).build()
    };
    let ports = || async {
        let groups = hello.aws().ec2.describe_security_groups().group_ids(&group).send().await.unwrap();
        let all = groups.security_groups()[0].ip_permissions().iter().filter_map(|one| one.from_port);
        all.collect::<std::collections::BTreeSet<i32>>()
    };
    let own = ports().await;
    let tags = [
        (TAG_STACK, "another"),
        (TAG_ADDRESS, "service.client/ec2.security_group_rule.web"),
        (TAG_GENERATION, "0123456789ab"),
    ];
    let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).to_vec();
    let tags = TagSpecification::builder().resource_type(ResourceType::SecurityGroupRule).set_tags(Some(tags)).build();
    let call = hello.aws().ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(open(7001));
    call.tag_specifications(tags).send().await.unwrap();
    assert_eq!(hello.planned(&hello.text).await, [] as [&str; 0], "the other stack's rule is seen");
    let call = hello.aws().ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(open(22));
    call.send().await.unwrap();
    assert_eq!(hello.planned(&hello.text).await, ["update service.web/ec2.security_group: ingress"]);
    hello.is_put_right(&hello.text).await;
    assert_eq!(ports().await, own.into_iter().chain([7001]).collect());
    hello.down().await;
}

/// Through all forms of `nat` and back, and then no gateway and no address is left, which both cost by the hour.
#[tokio::test]
async fn nat_comes_and_changes_and_goes_and_nothing_is_left_of_it() {
    let region = "us-west-2";
    let plain = hello::TEXT.replace("name    = \"hello\"", "name    = \"drift-nat\"").replace("eu-west-1", region);
    let with = |nat: &str| {
        let tiers = format!("tiers = [\"public\", \"private\"]\nnat = \"{nat}\"");
        plain.replace("tiers = [\"private\"]", &tiers)
    };
    let hello = Hello::applied_as("drift-nat", region, &with("none")).await;
    let held = || async {
        let ec2 = &hello.aws().ec2;
        let gateways = ec2.describe_nat_gateways().send().await.unwrap().nat_gateways.unwrap_or_default();
        let live = gateways.iter().filter(|one| one.state != Some(NatGatewayState::Deleted)).count();
        (live, ec2.describe_addresses().send().await.unwrap().addresses.unwrap_or_default().len())
    };
    for (nat, expected) in [("single", 1), ("per-zone", 2), ("single", 1), ("none", 0)] {
        assert_ne!(hello.planned(&with(nat)).await, [] as [&str; 0], "{nat}");
        hello.is_put_right(&with(nat)).await;
        assert_eq!(held().await, (expected, expected), "{nat}");
    }
    hello.down().await;
}

#[tokio::test]
async fn a_role_that_was_deleted_by_hand_comes_back_with_its_policies() {
    let hello = Hello::applied("drift-role", "ap-southeast-1").await;
    let role = hello.id("service.web/iam.role.execution").await;
    let iam = &hello.aws().iam;
    let policies = || async { iam.list_role_policies().role_name(&role).send().await.map(|all| all.policy_names) };
    let before = policies().await.unwrap();
    assert!(!before.is_empty(), "the execution role may read the secret");
    for policy in &before {
        iam.delete_role_policy().role_name(&role).policy_name(policy).send().await.unwrap();
    }
    iam.delete_role().role_name(&role).send().await.unwrap();
    assert_eq!(hello.planned(&hello.text).await[0], "create service.web/iam.role.execution: ");
    hello.is_put_right(&hello.text).await;
    assert_eq!(policies().await.unwrap(), before);
    hello.down().await;
}

#[tokio::test]
async fn a_field_that_was_dropped_from_git_returns_to_its_default() {
    let region = "ap-southeast-2";
    let plain = hello::TEXT.replace("name    = \"hello\"", "name    = \"drift-field\"").replace("eu-west-1", region);
    let set = plain
        .replace("[load_balancer.edge]\n", "[load_balancer.edge]\nidle_timeout = 120\n")
        .replace("{ path = \"/health\" }", "{ path = \"/health\", interval = 10 }");
    assert_eq!(set.lines().count(), plain.lines().count() + 1);
    let hello = Hello::applied_as("drift-field", region, &set).await;
    let balancer = hello.id("load_balancer.edge/elb.load_balancer").await;
    let timeout = || async {
        let answer = hello.aws().elb.describe_load_balancer_attributes().load_balancer_arn(&balancer).send().await;
        let attributes = answer.unwrap().attributes.unwrap_or_default().into_iter();
        attributes.filter(|one| one.key() == Some("idle_timeout.timeout_seconds")).find_map(|one| one.value)
    };
    assert_eq!(timeout().await.as_deref(), Some("120"));
    let planned = hello.planned(&plain).await;
    assert_eq!(
        planned,
        [
            "update load_balancer.edge/elb.load_balancer: application.idle_timeout_seconds",
            "update service.web/elb.target_group.edge.http: health_check.interval_seconds"
        ]
    );
    hello.is_put_right(&plain).await;
    assert_eq!(timeout().await.as_deref(), Some("60"), "AWS's default");
    hello.down().await;
}

#[tokio::test]
async fn a_distribution_whose_comment_somebody_changes_is_not_made_twice() {
    let wire = Wire::new(Emulator::shared());
    let world = World::emulated(&wire, "comment", "eu-west-2");
    let text = "[stack]\nname = \"comment\"\naccount = \"123456789012\"\nregion = \"eu-west-2\"\n\n\
        [network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\"]\nendpoints = []\n\n\
        [load_balancer.edge]\nscheme = \"internet-facing\"\nlisteners = { 80 = {} }\n\
        origin_header = { name = \"X-Origin-Verify\" }\n\n[distribution.site]\n";
    let aws = world.aws.as_ref().unwrap();
    let answers = aws.answers(hello::questions(text)).await.unwrap();
    let desired = world.desired(hello::resources(text, &answers));
    assert_eq!(world.converge(&desired).await.unwrap().ended, Ended::Converged);
    let ours = async || {
        let list = aws.cloudfront.list_distributions().send().await.unwrap().distribution_list.unwrap();
        let named = list.items.unwrap_or_default().into_iter().filter(|one| one.comment.contains("comment"));
        named.map(|one| (one.id, one.comment)).collect::<Vec<_>>()
    };
    let before = ours().await;
    let held = aws.cloudfront.get_distribution().id(&before[0].0).send().await.unwrap();
    let mut config = held.distribution.unwrap().distribution_config.unwrap();
    config.comment = "somebody's comment".into();
    let call = aws.cloudfront.update_distribution().id(&before[0].0).set_if_match(held.e_tag);
    call.distribution_config(config).send().await.unwrap();
    assert_eq!(world.converge(&desired).await.unwrap().ended, Ended::Converged);
    assert_eq!(ours().await, before, "another one was made, or the comment stays as it was");
    world.destroy(&world.desired(Vec::new())).await.unwrap();
}
