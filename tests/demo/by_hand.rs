//! What somebody does to AWS past the agent.

use aws_sdk_ec2::types::{Filter, IpPermission, IpRange};

use crate::stage::{Stage, Told};

fn client(stage: &Stage) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
        .region(aws_sdk_ec2::config::Region::new(crate::REGION))
        .endpoint_url(stage.emulator.endpoint("ec2"))
        .credentials_provider(aws_sdk_ec2::config::Credentials::new("demo", "demo", None, None, "demo"))
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

fn block_on<T>(work: impl Future<Output = Told<T>>) -> Told<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Opens the group of the inbox to the world, and names it.
pub fn opens(stage: &Stage) -> Told<String> {
    let ec2 = client(stage);
    block_on(async {
        let address = "service.inbox/ec2.security_group";
        let of_inbox = Filter::builder().name("tag:gitops-agent:address").values(address).build();
        let groups = ec2.describe_security_groups().filters(of_inbox).send().await?;
        let group = groups.security_groups().first().and_then(|group| group.group_id()).ok_or("no group")?;
        let anybody = IpRange::builder().cidr_ip("0.0.0.0/0").build();
        let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(anybody).build();
        ec2.authorize_security_group_ingress().group_id(group).ip_permissions(ssh).send().await?;
        Ok(group.to_owned())
    })
}

/// Whether nobody from outside reaches the group any more.
pub fn is_closed(stage: &Stage, group: &str) -> Told {
    let ec2 = client(stage);
    block_on(async {
        let groups = ec2.describe_security_groups().group_ids(group).send().await?;
        let rules = groups.security_groups().iter().flat_map(|group| group.ip_permissions());
        let open = rules.flat_map(|rule| rule.ip_ranges()).any(|range| range.cidr_ip() == Some("0.0.0.0/0"));
        if open { Err("the group is still open".into()) } else { Ok(()) }
    })
}
