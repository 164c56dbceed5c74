//! Distributions.

use serde_json::{Map, Value, json};

use super::fragment::{Fragment, No, Props, is_true, no};

/// `AWS::CloudFront::Distribution`. Most fragments say the one property that a rule is about, and leave out what AWS asks
/// for: an origin, and what happens to requests.
pub fn distribution(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let mut spec = json!({ "comment": "cfn-" });
    let config = props.table("DistributionConfig")?;
    props.done()?;
    let mut config = config.map_or_else(|| Props::new("DistributionConfig", &Value::Null), Ok)?;
    let mut origins = Map::new();
    for origin in config.tables("Origins")? {
        let (name, origin) = origin_of(fragment, origins.len(), origin)?;
        origins.insert(name, origin);
    }
    if origins.is_empty() {
        let custom = json!({ "protocol_policy": "https-only" });
        origins.insert("origin".into(), json!({ "domain_name": "origin.example.org", "custom": custom }));
    }
    let first = origins.keys().next().cloned().unwrap_or_default();
    spec["origins"] = origins.into();
    let of_default = config.table("DefaultCacheBehavior")?;
    let of_default = of_default.map_or_else(|| Props::new("DefaultCacheBehavior", &Value::Null), Ok)?;
    spec["default_behavior"] = behavior(fragment, &first, of_default)?;
    let mut behaviors = Vec::new();
    for (n, mut of_path) in config.tables("CacheBehaviors")?.into_iter().enumerate() {
        let path = of_path.take("PathPattern").map_or(Ok(format!("/{n}/*")), |path| fragment.text(path))?;
        behaviors.push(json!({ "path": path, "behavior": behavior(fragment, &first, of_path)? }));
    }
    spec["behaviors"] = behaviors.into();
    if let Some(shown) = config.table("ViewerCertificate")? {
        certificate(fragment, &mut spec, shown)?;
    }
    if let Some(object) = config.take("DefaultRootObject") {
        spec["default_root_object"] = fragment.text(object)?.into();
    }
    if let Some(on) = config.take("IPV6Enabled") {
        spec["ipv6"] = is_true(on).into();
    }
    config.done()?;
    fragment.make(Fragment::address(id, "cloudfront.distribution"), spec);
    Ok(())
}

fn origin_of(fragment: &Fragment<'_>, n: usize, mut origin: Props<'_>) -> Result<(String, Value), No> {
    let name = origin.take("Id").map_or(Ok(format!("origin-{n}")), |name| fragment.text(name))?;
    let domain = origin.take("DomainName").map_or(Ok("origin.example.org".to_owned()), |name| fragment.text(name))?;
    let Some(mut custom) = origin.table("CustomOriginConfig")? else {
        return no("an origin that is a bucket cannot be wanted");
    };
    let mut spec = json!({ "protocol_policy": "https-only" });
    let fields = [
        ("HTTPPort", "http_port"),
        ("HTTPSPort", "https_port"),
        ("OriginKeepaliveTimeout", "keepalive_timeout"),
        ("OriginProtocolPolicy", "protocol_policy"),
        ("OriginReadTimeout", "read_timeout"),
        ("OriginSSLProtocols", "ssl_protocols"),
    ];
    for (key, field) in fields {
        if let Some(value) = custom.take(key) {
            spec[field] = value.clone();
        }
    }
    custom.done()?;
    origin.done()?;
    Ok((name, json!({ "domain_name": domain, "custom": spec })))
}

fn behavior(fragment: &Fragment<'_>, first: &str, mut props: Props<'_>) -> Result<Value, No> {
    let target = props.take("TargetOriginId").map_or(Ok(first.to_owned()), |target| fragment.text(target))?;
    let mut spec = json!({ "allowed_methods": ["GET", "HEAD"], "target_origin": target });
    if let Some(policy) = props.take("ViewerProtocolPolicy") {
        spec["viewer_protocol_policy"] = fragment.text(policy)?.into();
    }
    props.done()?;
    Ok(spec)
}

/// With CloudFront's own certificate, whatever else is said does not count.
fn certificate(fragment: &Fragment<'_>, spec: &mut Value, mut props: Props<'_>) -> Result<(), No> {
    let own = props.take("CloudFrontDefaultCertificate").is_some_and(is_true);
    let arn = props.take("AcmCertificateArn").map(|arn| fragment.text(arn)).transpose()?;
    let minimum = props.take("MinimumProtocolVersion").map(|minimum| fragment.text(minimum)).transpose()?;
    if let Some(method) = props.take("SslSupportMethod").filter(|method| *method != "sni-only") {
        return no(format!("viewers are told apart by SNI: there is no field for {method}"));
    }
    props.done()?;
    if own {
        return Ok(());
    }
    let arn = arn.unwrap_or_else(|| "arn:aws:acm:us-east-1:123456789012:certificate/1".to_owned());
    spec["certificate"] = json!({ "arn": arn });
    if let Some(minimum) = minimum {
        spec["certificate"]["minimum_protocol_version"] = minimum.into();
    }
    Ok(())
}
