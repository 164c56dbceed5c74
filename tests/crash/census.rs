//! What is there by AWS's own lists: no tag, no owner and no code of the agent's stands between. What the agent has lost
//! sight of, or made twice, cannot hide here.

use std::collections::BTreeMap;
use std::fmt::Debug;

use agent_aws::Aws;
use aws_sdk_ec2::types::NatGatewayState;
use aws_sdk_ecs::types::TaskDefinitionStatus;

/// How many of what: things with a name by their name.
#[derive(Default)]
struct Count(BTreeMap<String, usize>);

impl Count {
    fn add(&mut self, what: &str, names: impl IntoIterator<Item = Option<String>>) {
        for name in names {
            let name = name.map(|name| format!(" {name}")).unwrap_or_default();
            *self.0.entry(format!("{what}{name}")).or_default() += 1;
        }
    }
}

/// Every item of a paginated list.
macro_rules! items {
    ($request:expr) => {
        $request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.map_err(said)?
    };
}

/// Every page of a list whose model names no items.
macro_rules! pages {
    ($request:expr) => {
        $request.into_paginator().send().collect::<Result<Vec<_>, _>>().await.map_err(said)?
    };
}

fn said(error: impl Debug) -> String {
    format!("{error:?}")
}

/// Counts what is there.
pub async fn census(aws: &Aws) -> Result<Vec<String>, String> {
    let mut count = Count::default();
    networks(aws, &mut count).await?;
    balancers(aws, &mut count).await?;
    containers(aws, &mut count).await?;
    let distributions = aws.cloudfront.list_distributions().send().await.map_err(said)?.distribution_list;
    let distributions = distributions.and_then(|list| list.items).unwrap_or_default();
    count.add("distribution", distributions.into_iter().map(|one| Some(one.comment)));
    let namespaces = pages!(aws.servicediscovery.list_namespaces());
    let namespaces = namespaces.into_iter().flat_map(|page| page.namespaces.unwrap_or_default());
    count.add("namespace", namespaces.map(|namespace| namespace.name));
    count.add("role", items!(aws.iam.list_roles()).into_iter().map(|role| Some(role.role_name)));
    count.add("log group", items!(aws.logs.describe_log_groups()).into_iter().map(|group| group.log_group_name));
    let parameters =
        pages!(aws.ssm.describe_parameters()).into_iter().flat_map(|page| page.parameters.unwrap_or_default());
    count.add("parameter", parameters.map(|parameter| parameter.name));
    Ok(count.0.into_iter().map(|(what, times)| format!("{times} x {what}")).collect())
}

async fn networks(aws: &Aws, count: &mut Count) -> Result<(), String> {
    let cidr = |vpc: &aws_sdk_ec2::types::Vpc| vpc.cidr_block.clone();
    count.add("VPC", items!(aws.ec2.describe_vpcs()).iter().map(cidr));
    count.add("subnet", items!(aws.ec2.describe_subnets()).into_iter().map(|subnet| subnet.cidr_block));
    count.add("route table", items!(aws.ec2.describe_route_tables()).iter().map(|_| None));
    count.add("internet gateway", items!(aws.ec2.describe_internet_gateways()).iter().map(|_| None));
    count.add("security group", items!(aws.ec2.describe_security_groups()).into_iter().map(|group| group.group_name));
    let addresses = aws.ec2.describe_addresses().send().await.map_err(said)?.addresses.unwrap_or_default();
    count.add("elastic IP", addresses.iter().map(|_| None));
    let rules = items!(aws.ec2.describe_security_group_rules());
    count.add("rule of a group", rules.iter().map(|_| None));
    // Deleted ones are listed for a while.
    let mut gateways = items!(aws.ec2.describe_nat_gateways());
    gateways.retain(|one| one.state != Some(NatGatewayState::Deleted));
    count.add("NAT gateway", gateways.iter().map(|_| None));
    let mut endpoints = items!(aws.ec2.describe_vpc_endpoints());
    endpoints.retain(|one| !one.state.as_ref().is_some_and(|state| state.as_str().eq_ignore_ascii_case("deleted")));
    count.add("endpoint", endpoints.into_iter().map(|endpoint| endpoint.service_name));
    Ok(())
}

async fn balancers(aws: &Aws, count: &mut Count) -> Result<(), String> {
    for balancer in items!(aws.elb.describe_load_balancers()) {
        let name = balancer.load_balancer_name.unwrap_or_default();
        let listeners = balancer.load_balancer_arn.unwrap_or_default();
        for listener in items!(aws.elb.describe_listeners().load_balancer_arn(listeners)) {
            let port = listener.port.unwrap_or_default();
            let rules = pages!(aws.elb.describe_rules().listener_arn(listener.listener_arn.unwrap_or_default()));
            let rules = rules.into_iter().flat_map(|page| page.rules.unwrap_or_default());
            count.add("rule", rules.map(|rule| Some(format!("{name}:{port} {}", rule.priority.unwrap_or_default()))));
            count.add("listener", [Some(format!("{name}:{port}"))]);
        }
        count.add("load balancer", [Some(name)]);
    }
    let groups = items!(aws.elb.describe_target_groups()).into_iter();
    count.add("target group", groups.map(|group| group.target_group_name));
    Ok(())
}

async fn containers(aws: &Aws, count: &mut Count) -> Result<(), String> {
    let short = |arn: &str| arn.rsplit('/').next().map(str::to_owned);
    for cluster in items!(aws.ecs.list_clusters()) {
        let services = items!(aws.ecs.list_services().cluster(&cluster));
        count.add("service", services.iter().map(|arn| short(arn)));
        count.add("cluster", [short(&cluster)]);
    }
    let definitions = items!(aws.ecs.list_task_definitions().status(TaskDefinitionStatus::Active));
    // Which revision is current is AWS's affair; how many are active is not.
    let family = |arn: &String| short(arn)?.split(':').next().map(str::to_owned);
    count.add("active task definition", definitions.iter().map(family));
    Ok(())
}
