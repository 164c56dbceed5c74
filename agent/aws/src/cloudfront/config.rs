//! A distribution's configuration: into the spec's words, and the spec into one that AWS holds. What the spec does not know
//! (signers, functions, logs, error pages) stays as it was.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::foreign_tags;
use agent_core::reference::SecretRef;
use agent_core::secret::Vault;
use agent_model::kinds::cloudfront::distribution::{
    Behavior, Certificate, CustomOrigin, MINIMUM_TLS, Origin, PathBehavior, Spec,
};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    self as sdk, Aliases, AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CustomHeaders,
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, Method, OriginCustomHeader, OriginProtocolPolicy,
    OriginSslProtocols, Origins, SslProtocol, SslSupportMethod, ViewerCertificate,
};

use crate::fault::{lacks, plain};
use crate::secrets::opened;
use crate::words::{read_word, word};

/// CloudFront's word for a policy or an ACL that is not there.
fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn unfit(action: &'static str) -> impl Fn(BuildError) -> Fault {
    move |error| Fault::new(Class::Invalid, action, "BadRequest", error.to_string())
}

fn quantity(items: &[impl Sized]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

/// "If `Quantity` is 0, you can omit `Items`", and no list of AWS's own is sent empty.
fn listed<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// The spec of a configuration.
pub(super) fn spec_read(
    action: &'static str,
    config: &DistributionConfig,
    tags: &BTreeMap<String, String>,
    vault: &Vault,
) -> Result<Spec, Fault> {
    let origins = config.origins.as_ref().map(Origins::items).unwrap_or_default();
    let default = config.default_cache_behavior.as_ref().ok_or_else(|| lacks(action, "DefaultCacheBehavior"))?;
    let paths = config.cache_behaviors.iter().flat_map(CacheBehaviors::items);
    let price_class = config.price_class.as_ref().ok_or_else(|| lacks(action, "PriceClass"))?;
    let http_version = config.http_version.as_ref().ok_or_else(|| lacks(action, "HttpVersion"))?;
    let origin = |origin: &sdk::Origin| Ok((origin.id.clone(), origin_read(action, origin, vault)?));
    Ok(Spec {
        comment: config.comment.clone(),
        enabled: config.enabled,
        aliases: config.aliases.iter().flat_map(Aliases::items).cloned().collect(),
        certificate: config.viewer_certificate.as_ref().and_then(certificate_read),
        default_root_object: filled(config.default_root_object()),
        origins: origins.iter().map(origin).collect::<Result<_, Fault>>()?,
        default_behavior: default_behavior_read(action, default)?,
        behaviors: paths.map(|path| path_behavior_read(action, path)).collect::<Result<_, _>>()?,
        price_class: read_word(action, "PriceClass", price_class.as_str())?,
        http_version: read_word(action, "HttpVersion", http_version.as_str())?,
        ipv6: config.is_ipv6_enabled.unwrap_or(true),
        web_acl: filled(config.web_acl_id()).map(Into::into),
        tags: Tags(foreign_tags(tags)),
    })
}

fn certificate_read(held: &ViewerCertificate) -> Option<Certificate> {
    let arn = filled(held.acm_certificate_arn())?;
    let policy = held.minimum_protocol_version().map_or(MINIMUM_TLS, sdk::MinimumProtocolVersion::as_str);
    Some(Certificate { arn: arn.into(), minimum_protocol_version: policy.to_owned() })
}

fn origin_read(action: &'static str, held: &sdk::Origin, vault: &Vault) -> Result<Origin, Fault> {
    let headers = held.custom_headers.iter().flat_map(CustomHeaders::items);
    let sealed =
        |header: &OriginCustomHeader| (header.header_name.clone(), SecretRef::Sealed(vault.seal(&header.header_value)));
    let custom = held.custom_origin_config.as_ref();
    Ok(Origin {
        domain_name: held.domain_name.as_str().into(),
        path: held.origin_path().unwrap_or_default().to_owned(),
        custom_headers: headers.map(sealed).collect(),
        custom: custom.map(|custom| custom_read(action, custom)).transpose()?,
        connection_attempts: held.connection_attempts.unwrap_or(3),
        connection_timeout: held.connection_timeout.unwrap_or(10),
    })
}

fn custom_read(action: &'static str, held: &CustomOriginConfig) -> Result<CustomOrigin, Fault> {
    let port = |field: &str, port: i32| u16::try_from(port).map_err(|_| lacks(action, field));
    let protocols = held.origin_ssl_protocols.as_ref().map(OriginSslProtocols::items).unwrap_or_default();
    Ok(CustomOrigin {
        http_port: port("HTTPPort", held.http_port)?,
        https_port: port("HTTPSPort", held.https_port)?,
        protocol_policy: read_word(action, "OriginProtocolPolicy", held.origin_protocol_policy.as_str())?,
        ssl_protocols: protocols.iter().map(|protocol| protocol.as_str().to_owned()).collect(),
        read_timeout: held.origin_read_timeout.unwrap_or(30),
        keepalive_timeout: held.origin_keepalive_timeout.unwrap_or(5),
    })
}

fn words(methods: &[Method]) -> BTreeSet<String> {
    methods.iter().map(|method| method.as_str().to_owned()).collect()
}

/// The fields that both sorts of behavior have.
macro_rules! behavior_read {
    ($action:expr, $held:expr) => {{
        let methods = $held.allowed_methods.as_ref();
        let cached = methods.and_then(AllowedMethods::cached_methods).map(CachedMethods::items);
        let get_and_head = [Method::Get, Method::Head];
        Behavior {
            target_origin: $held.target_origin_id.clone(),
            viewer_protocol_policy: read_word($action, "ViewerProtocolPolicy", $held.viewer_protocol_policy.as_str())?,
            allowed_methods: words(methods.map_or(&get_and_head[..], AllowedMethods::items)),
            cached_methods: words(cached.unwrap_or(&get_and_head)),
            compress: $held.compress.unwrap_or(false),
            cache_policy: filled($held.cache_policy_id()),
            origin_request_policy: filled($held.origin_request_policy_id()),
            response_headers_policy: filled($held.response_headers_policy_id()),
        }
    }};
}

fn default_behavior_read(action: &'static str, held: &DefaultCacheBehavior) -> Result<Behavior, Fault> {
    Ok(behavior_read!(action, held))
}

fn path_behavior_read(action: &'static str, held: &CacheBehavior) -> Result<PathBehavior, Fault> {
    Ok(PathBehavior { path: held.path_pattern.clone(), behavior: behavior_read!(action, held) })
}

/// A configuration with what AWS requires and nothing else, to be filled by [`applied`].
pub(super) fn bare(caller_reference: &str, spec: &Spec) -> Result<DistributionConfig, Fault> {
    let action = "cloudfront:CreateDistributionWithTags";
    let default = DefaultCacheBehavior::builder()
        .target_origin_id(&spec.default_behavior.target_origin)
        .viewer_protocol_policy(word(&spec.default_behavior.viewer_protocol_policy).as_str().into());
    DistributionConfig::builder()
        .caller_reference(caller_reference)
        .default_cache_behavior(default.build().map_err(unfit(action))?)
        .comment(&spec.comment)
        .enabled(spec.enabled)
        .build()
        .map_err(unfit(action))
}

/// A configuration that holds what the spec says.
pub(super) fn applied(
    action: &'static str,
    mut config: DistributionConfig,
    spec: &Spec,
    vault: &Vault,
) -> Result<DistributionConfig, Fault> {
    let acl = spec.web_acl.as_ref().map(|acl| plain(action, acl)).transpose()?;
    let aliases: Vec<String> = spec.aliases.iter().cloned().collect();
    let aliases = Aliases::builder().quantity(quantity(&aliases)).set_items(listed(aliases));
    let held = config.origins.take().map(|origins| origins.items).unwrap_or_default();
    config.comment.clone_from(&spec.comment);
    config.enabled = spec.enabled;
    config.aliases = Some(aliases.build().map_err(unfit(action))?);
    config.viewer_certificate = Some(certificate_sent(action, spec.certificate.as_ref())?);
    // CloudFront takes an empty text for none, and no element for what there was.
    config.default_root_object = Some(spec.default_root_object.clone().unwrap_or_default());
    config.web_acl_id = Some(acl.unwrap_or_default());
    config.origins = Some(origins_sent(action, held, spec, vault)?);
    if let Some(default) = config.default_cache_behavior.take() {
        config.default_cache_behavior = Some(default_behavior_sent(action, default, &spec.default_behavior)?);
    }
    config.cache_behaviors = Some(behaviors_sent(action, config.cache_behaviors.take(), spec)?);
    config.price_class = Some(word(&spec.price_class).as_str().into());
    config.http_version = Some(word(&spec.http_version).as_str().into());
    config.is_ipv6_enabled = Some(spec.ipv6);
    Ok(config)
}

fn certificate_sent(action: &'static str, wanted: Option<&Certificate>) -> Result<ViewerCertificate, Fault> {
    let Some(wanted) = wanted else {
        return Ok(ViewerCertificate::builder().cloud_front_default_certificate(true).build());
    };
    Ok(ViewerCertificate::builder()
        .acm_certificate_arn(plain(action, &wanted.arn)?)
        .ssl_support_method(SslSupportMethod::SniOnly)
        .minimum_protocol_version(wanted.minimum_protocol_version.as_str().into())
        .build())
}

fn origins_sent(action: &'static str, held: Vec<sdk::Origin>, spec: &Spec, vault: &Vault) -> Result<Origins, Fault> {
    let mut held: BTreeMap<String, sdk::Origin> = held.into_iter().map(|one| (one.id.clone(), one)).collect();
    let items: Vec<sdk::Origin> = spec
        .origins
        .iter()
        .map(|(id, wanted)| origin_sent(action, held.remove(id), id, wanted, vault))
        .collect::<Result<_, _>>()?;
    Origins::builder().quantity(quantity(&items)).set_items(Some(items)).build().map_err(unfit(action))
}

fn origin_sent(
    action: &'static str,
    held: Option<sdk::Origin>,
    id: &str,
    wanted: &Origin,
    vault: &Vault,
) -> Result<sdk::Origin, Fault> {
    let domain_name = plain(action, &wanted.domain_name)?;
    let Some(custom) = &wanted.custom else {
        let text = format!("the origin `{id}` is neither spoken to over HTTP nor HTTPS: that can only be read");
        return Err(Fault::new(Class::Invalid, action, "NotSupported", text));
    };
    let header = |(name, value): (&String, &SecretRef)| {
        let value = opened(action, name, value, vault)?;
        OriginCustomHeader::builder().header_name(name).header_value(value).build().map_err(unfit(action))
    };
    let headers: Vec<_> = wanted.custom_headers.iter().map(header).collect::<Result<_, _>>()?;
    let headers = CustomHeaders::builder().quantity(quantity(&headers)).set_items(listed(headers));
    let new = sdk::Origin::builder().id(id).domain_name(&domain_name).build().map_err(unfit(action))?;
    let mut origin = held.unwrap_or(new);
    origin.domain_name = domain_name;
    origin.origin_path = Some(wanted.path.clone());
    origin.custom_headers = Some(headers.build().map_err(unfit(action))?);
    origin.custom_origin_config = Some(custom_sent(action, custom, origin.custom_origin_config.take())?);
    // An origin is of one sort.
    (origin.s3_origin_config, origin.vpc_origin_config) = (None, None);
    origin.connection_attempts = Some(wanted.connection_attempts);
    origin.connection_timeout = Some(wanted.connection_timeout);
    Ok(origin)
}

fn custom_sent(
    action: &'static str,
    wanted: &CustomOrigin,
    held: Option<CustomOriginConfig>,
) -> Result<CustomOriginConfig, Fault> {
    let protocols: Vec<SslProtocol> = wanted.ssl_protocols.iter().map(|name| name.as_str().into()).collect();
    let protocols = OriginSslProtocols::builder().quantity(quantity(&protocols)).set_items(Some(protocols));
    let policy: OriginProtocolPolicy = word(&wanted.protocol_policy).as_str().into();
    let ports = CustomOriginConfig::builder().http_port(wanted.http_port.into()).https_port(wanted.https_port.into());
    let new = ports.origin_protocol_policy(policy.clone()).build().map_err(unfit(action))?;
    let mut custom = held.unwrap_or(new);
    (custom.http_port, custom.https_port) = (wanted.http_port.into(), wanted.https_port.into());
    custom.origin_protocol_policy = policy;
    custom.origin_ssl_protocols = Some(protocols.build().map_err(unfit(action))?);
    custom.origin_read_timeout = Some(wanted.read_timeout);
    custom.origin_keepalive_timeout = Some(wanted.keepalive_timeout);
    Ok(custom)
}

fn methods_sent(action: &'static str, wanted: &Behavior) -> Result<AllowedMethods, Fault> {
    let methods = |words: &BTreeSet<String>| words.iter().map(|word| word.as_str().into()).collect::<Vec<Method>>();
    let (allowed, cached) = (methods(&wanted.allowed_methods), methods(&wanted.cached_methods));
    let cached = CachedMethods::builder().quantity(quantity(&cached)).set_items(Some(cached));
    AllowedMethods::builder()
        .quantity(quantity(&allowed))
        .set_items(Some(allowed))
        .cached_methods(cached.build().map_err(unfit(action))?)
        .build()
        .map_err(unfit(action))
}

/// The fields that both sorts of behavior have. With a cache policy the older way to say what is cached has to go.
macro_rules! behavior_sent {
    ($action:expr, $held:expr, $wanted:expr) => {{
        $held.target_origin_id.clone_from(&$wanted.target_origin);
        $held.viewer_protocol_policy = word(&$wanted.viewer_protocol_policy).as_str().into();
        $held.allowed_methods = Some(methods_sent($action, $wanted)?);
        $held.compress = Some($wanted.compress);
        $held.cache_policy_id.clone_from(&$wanted.cache_policy);
        $held.origin_request_policy_id.clone_from(&$wanted.origin_request_policy);
        $held.response_headers_policy_id.clone_from(&$wanted.response_headers_policy);
        ($held.forwarded_values, $held.min_ttl, $held.default_ttl, $held.max_ttl) = (None, None, None, None);
    }};
}

#[allow(deprecated, reason = "what AWS calls deprecated is taken away here")]
fn default_behavior_sent(
    action: &'static str,
    mut held: DefaultCacheBehavior,
    wanted: &Behavior,
) -> Result<DefaultCacheBehavior, Fault> {
    behavior_sent!(action, held, wanted);
    Ok(held)
}

#[allow(deprecated, reason = "what AWS calls deprecated is taken away here")]
fn behaviors_sent(action: &'static str, held: Option<CacheBehaviors>, spec: &Spec) -> Result<CacheBehaviors, Fault> {
    let held = held.and_then(|held| held.items).unwrap_or_default();
    let mut held: BTreeMap<String, CacheBehavior> =
        held.into_iter().map(|one| (one.path_pattern.clone(), one)).collect();
    let mut items = Vec::new();
    for PathBehavior { path, behavior } in &spec.behaviors {
        let new = CacheBehavior::builder()
            .path_pattern(path)
            .target_origin_id(&behavior.target_origin)
            .viewer_protocol_policy(word(&behavior.viewer_protocol_policy).as_str().into())
            .build()
            .map_err(unfit(action))?;
        let mut item = held.remove(path).unwrap_or(new);
        behavior_sent!(action, item, behavior);
        items.push(item);
    }
    CacheBehaviors::builder().quantity(quantity(&items)).set_items(listed(items)).build().map_err(unfit(action))
}

/// The header values of a configuration, which no message may hold.
pub(super) fn secrets_in(config: &DistributionConfig) -> Vec<String> {
    let origins = config.origins.as_ref().map(Origins::items).unwrap_or_default();
    let headers = origins.iter().filter_map(|origin| origin.custom_headers.as_ref()).flat_map(CustomHeaders::items);
    headers.map(|header| header.header_value.clone()).collect()
}
