//! Security groups, subnets and routes.

use serde_json::{Value, json};

use super::fragment::{Fragment, No, Props, is_true, no};

/// What a fragment leaves out although AWS asks for it.
const VPC: &str = "vpc-0123456789abcdef0";

fn vpc(fragment: &Fragment<'_>, props: &mut Props<'_>) -> Result<Value, No> {
    props.take("VpcId").map_or(Ok(VPC.into()), |value| fragment.link(value, "vpc"))
}

/// `AWS::EC2::SecurityGroup`
pub fn group(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let address = Fragment::address(id, "ec2.security_group");
    let name = props.take("GroupName").map_or(Ok(id.to_owned()), |name| fragment.text(name))?;
    let mut spec = json!({ "name": name, "vpc": vpc(fragment, &mut props)? });
    if let Some(description) = props.take("GroupDescription") {
        spec["description"] = fragment.text(description)?.into();
    }
    for (key, field) in [("SecurityGroupIngress", "ingress"), ("SecurityGroupEgress", "egress")] {
        let mut rules = Vec::new();
        for entry in props.tables(key)? {
            rules.extend(entries(fragment, id, entry)?.1);
        }
        spec[field] = rules.into();
    }
    props.done()?;
    fragment.make(address, spec);
    Ok(())
}

/// `AWS::EC2::SecurityGroupIngress` and `AWS::EC2::SecurityGroupEgress`
pub fn rule(fragment: &mut Fragment<'_>, id: &str, direction: &str, props: Props<'_>) -> Result<(), No> {
    let (group, entries) = entries(fragment, id, props)?;
    for (n, entry) in entries.into_iter().enumerate() {
        let spec = json!({ "direction": direction, "security_group": group, "rule": entry });
        fragment.make(Fragment::keyed(id, "ec2.security_group_rule", n + 1), spec);
    }
    Ok(())
}

/// A rule, once for each peer that it names: AWS takes one. One without a peer, which AWS refuses, is about the group itself.
fn entries(fragment: &Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(Value, Vec<Value>), No> {
    let group = props.take("GroupId").map(|value| fragment.link(value, "sg")).transpose()?;
    let group = group.unwrap_or_else(|| format!("sg-{}", id.to_ascii_lowercase()).into());
    let mut peers = Vec::new();
    for (key, peer) in [("CidrIp", "cidr_ipv4"), ("CidrIpv6", "cidr_ipv6")] {
        if let Some(cidr) = props.take(key) {
            peers.push(json!({ peer: fragment.text(cidr)? }));
        }
    }
    for key in ["SourceSecurityGroupId", "DestinationSecurityGroupId"] {
        if let Some(other) = props.take(key) {
            peers.push(json!({ "group": fragment.link(other, "sg")? }));
        }
    }
    for key in ["SourcePrefixListId", "DestinationPrefixListId"] {
        if let Some(list) = props.take(key) {
            peers.push(json!({ "prefix_list": fragment.text(list)? }));
        }
    }
    if peers.is_empty() {
        peers.push(json!({ "group": group }));
    }
    let Some(protocol) = props.take("IpProtocol") else { return no("a rule without a protocol") };
    let mut entry = json!({ "protocol": fragment.text(protocol)? });
    for (key, field) in [("FromPort", "from_port"), ("ToPort", "to_port"), ("Description", "description")] {
        if let Some(value) = props.take(key) {
            entry[field] = value.clone();
        }
    }
    props.done()?;
    let with = |peer: Value| {
        let mut entry = entry.clone();
        entry["peer"] = peer;
        entry
    };
    Ok((group, peers.into_iter().map(with).collect()))
}

/// The rule that AWS gives to a group of which nothing is said about the way out. Here nothing is let out then.
pub fn with_default_egress(resources: &mut serde_json::Map<String, Value>) {
    for resource in resources.values_mut().filter(|resource| resource["Type"] == "AWS::EC2::SecurityGroup") {
        let props = &mut resource["Properties"];
        if props.get("SecurityGroupEgress").is_none() {
            props["SecurityGroupEgress"] = json!([{ "IpProtocol": "-1", "CidrIp": "0.0.0.0/0" }]);
        }
    }
}

/// `AWS::EC2::Subnet`
pub fn subnet(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let mut spec = json!({ "vpc": vpc(fragment, &mut props)? });
    for (key, field) in [("CidrBlock", "cidr"), ("AvailabilityZone", "availability_zone")] {
        if let Some(value) = props.take(key) {
            spec[field] = fragment.text(value)?.into();
        }
    }
    if let Some(value) = props.take("MapPublicIpOnLaunch") {
        spec["map_public_ip_on_launch"] = is_true(value).into();
    }
    props.done()?;
    fragment.make(Fragment::address(id, "ec2.subnet"), spec);
    Ok(())
}

/// `AWS::EC2::Route`: a table with this route.
pub fn route(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    props.take("RouteTableId");
    let destination = ["DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"]
        .into_iter()
        .find_map(|key| props.take(key));
    let Some(destination) = destination else { return no("a route without a destination") };
    let targets = [
        ("GatewayId", "internet_gateway", "igw"),
        ("NatGatewayId", "nat_gateway", "nat"),
        ("CarrierGatewayId", "carrier_gateway", "cagw"),
        ("TransitGatewayId", "transit_gateway", "tgw"),
    ];
    let target = targets.into_iter().find_map(|(key, field, word)| Some((field, word, props.take(key)?)));
    let Some((field, word, target)) = target else { return no("a route without a target") };
    let routes = json!({ fragment.text(destination)?: { field: fragment.link(target, word)? } });
    props.done()?;
    fragment.make(Fragment::address(id, "ec2.route_table"), json!({ "vpc": VPC, "routes": routes }));
    Ok(())
}
