//! Load balancers and their listeners.

use serde_json::{Value, json};

use super::fragment::{Fragment, No, Props, is_true, no};

/// `AWS::ElasticLoadBalancingV2::LoadBalancer`
pub fn load_balancer(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let name = props.take("Name").map_or(Ok(id.to_owned()), |name| fragment.text(name))?;
    let scheme = props.take("Scheme").map_or(Ok("internet-facing".to_owned()), |scheme| fragment.text(scheme))?;
    let kind = props.take("Type").map_or(Ok("application".to_owned()), |kind| fragment.text(kind))?;
    let is_application = kind == "application";
    let mut spec = json!({ "name": name, "scheme": scheme, "type": kind });
    // Where it stands is left out of most fragments.
    let subnets = props.list("Subnets").into_iter().map(|subnet| fragment.link(subnet, "subnet"));
    spec["subnets"] = subnets.collect::<Result<Vec<_>, _>>()?.into();
    let groups = props.list("SecurityGroups").into_iter().map(|group| fragment.link(group, "sg"));
    spec["security_groups"] = groups.collect::<Result<Vec<_>, _>>()?.into();
    if let Some(addresses) = props.take("IpAddressType") {
        spec["ip_address_type"] = fragment.text(addresses)?.into();
    }
    spec[if is_application { "application" } else { "network" }] = json!({});
    let (mut logs, mut bucket) = (false, "logs".to_owned());
    for mut attribute in props.tables("LoadBalancerAttributes")? {
        let (Some(key), Some(value)) = (attribute.take("Key").and_then(Value::as_str), attribute.take("Value")) else {
            return no("an attribute without a key or a value");
        };
        match key {
            "deletion_protection.enabled" => spec["deletion_protection"] = is_true(value).into(),
            "access_logs.s3.enabled" => logs = is_true(value),
            "access_logs.s3.bucket" => bucket = fragment.text(value)?,
            "routing.http.drop_invalid_header_fields.enabled" if is_application => {
                spec["application"]["drop_invalid_header_fields"] = is_true(value).into();
            }
            _ => return no(format!("there is no field for the attribute `{key}`")),
        }
    }
    if logs {
        spec["access_logs"] = json!({ "bucket": bucket });
    }
    props.done()?;
    fragment.make(Fragment::address(id, "elb.load_balancer"), spec);
    Ok(())
}

/// `AWS::ElasticLoadBalancingV2::Listener`. What it is of, its port and its action are left out of most fragments, and so is
/// the protocol of some: that is HTTPS then.
pub fn listener(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let of = props.take("LoadBalancerArn").map_or(Ok("lb-0123".into()), |arn| fragment.link(arn, "lb"))?;
    let port = props.take("Port").cloned().unwrap_or_else(|| 443.into());
    let protocol = props.take("Protocol").map_or(Ok("HTTPS".to_owned()), |protocol| fragment.text(protocol))?;
    let mut spec = json!({ "load_balancer": of, "port": port, "protocol": protocol });
    let action = props.tables("DefaultActions")?.into_iter().next().map(|action| action_of(fragment, action));
    spec["default_action"] = action.unwrap_or_else(|| Ok(json!({ "fixed_response": { "status_code": 403 } })))?;
    if let Some(policy) = props.take("SslPolicy") {
        spec["ssl_policy"] = fragment.text(policy)?.into();
    }
    for mut certificate in props.tables("Certificates")? {
        if let Some(arn) = certificate.take("CertificateArn") {
            spec["certificate"] = fragment.text(arn)?.into();
        }
        certificate.done()?;
    }
    props.done()?;
    fragment.make(Fragment::address(id, "elb.listener"), spec);
    Ok(())
}

fn action_of(fragment: &Fragment<'_>, mut action: Props<'_>) -> Result<Value, No> {
    let kind = action.take("Type").and_then(Value::as_str).unwrap_or_default();
    let Some(mut config) = action.table("RedirectConfig")?.filter(|_| kind == "redirect") else {
        return no(format!("the action `{kind}` is not translated"));
    };
    let mut redirect = json!({});
    for key in ["Protocol", "Port", "Host", "Path", "Query", "StatusCode"] {
        let field = if key == "StatusCode" { "status_code".to_owned() } else { key.to_ascii_lowercase() };
        if let Some(value) = config.take(key) {
            redirect[field] = fragment.text(value)?.into();
        }
    }
    config.done()?;
    action.done()?;
    Ok(json!({ "redirect": redirect }))
}
