//! Whose credentials clients have: those of this process, or those of a role that it takes on for a stack. All of them go over
//! one pool of connections.
//!
//! A role is taken on by the first call that needs it, and again shortly before what that gave runs out (after an hour: more than
//! that is never given to whoever has its own credentials from a role already). That it cannot be taken on is a [`Fault`] of
//! [`ACTION`], whatever the call was about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_core::fault::{Class, Fault};
use agent_core::work::{self, Answer, Call};
use aws_config::identity::IdentityCache;
use aws_config::meta::region::ProvideRegion;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::OnceCell;

use crate::fault::{causes, chain, fault_of};

/// What taking on a role is called in permissions.
pub const ACTION: &str = "sts:AssumeRole";

/// A role as it is taken on for one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The ARN of the role.
    pub role: String,
    /// How `CloudTrail` calls whoever has the credentials.
    pub name: String,
    /// What the role asks for of whoever is not of its account.
    pub external_id: Option<String>,
    /// The tags of the session.
    pub tags: Vec<(String, String)>,
}

/// What all clients of a process have in common.
#[derive(Clone)]
pub struct Ground {
    http: SharedHttpClient,
    home: Arc<OnceCell<Option<String>>>,
}

impl Ground {
    /// With connections of its own.
    pub fn new() -> Self {
        Self { http: SharedHttpClient::new(Pool::default()), home: Arc::default() }
    }

    /// The region that the environment or the profile names, as every AWS tool reads it. It is asked for once.
    pub async fn home(&self) -> Option<&str> {
        let asked = async || {
            let region = aws_config::default_provider::region::default_provider().region().await;
            region.map(|region| region.to_string())
        };
        self.home.get_or_init(asked).await.as_deref()
    }

    /// With the credentials of this process, which are found as every AWS tool does: environment, profile, container, instance.
    pub async fn own(&self, region: &str) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(30))
            .build();
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(timeouts)
            .http_client(self.http.clone())
            .load()
            .await
    }

    /// With the credentials of a role. It is taken on in the region of this process, where its own credentials are good and
    /// which it can reach; what that gives is good in all regions.
    pub async fn taken(&self, region: &str, session: Session) -> SdkConfig {
        let own = self.own(self.home().await.unwrap_or(region)).await;
        taken(&own, session).await.into_builder().region(Region::new(region.to_owned())).build()
    }
}

impl Default for Ground {
    fn default() -> Self {
        Self::new()
    }
}

/// The same configuration with the credentials of a role, which those that it has now may take on. Credentials are kept for each
/// session alone: of what is kept together there may be few.
pub async fn taken(own: &SdkConfig, session: Session) -> SdkConfig {
    let Session { role, name, external_id, tags } = session;
    let mut role = AssumeRoleProvider::builder(role).configure(own).session_name(name);
    if let Some(id) = external_id {
        role = role.external_id(id);
    }
    if !tags.is_empty() {
        role = role.tags(tags);
    }
    let taking = SharedCredentialsProvider::new(Taking(role.build().await));
    own.to_builder().credentials_provider(taking).identity_cache(IdentityCache::lazy().build()).build()
}

/// Takes on a role, and tells of it: the client that does it is not one of ours.
#[derive(Debug)]
struct Taking(AssumeRoleProvider);

impl ProvideCredentials for Taking {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let taken = self.0.provide_credentials().await.map_err(|error| why_not(&error));
            let (answer, request_id) = match &taken {
                Ok(_) => (Answer::Accepted, None),
                Err(fault) if fault.request_id.is_some() => (Answer::Refused, fault.request_id.as_deref()),
                Err(_) => (Answer::None, None),
            };
            let operation = "AssumeRole";
            work::tell(&Call { service: "sts", operation, changes: false, answer, request_id, address: None });
            taken.map_err(CredentialsError::provider_error)
        })
    }
}

fn why_not(error: &CredentialsError) -> Fault {
    type Refused = SdkError<AssumeRoleError, HttpResponse>;
    let refused = causes(error).find_map(<dyn std::error::Error>::downcast_ref::<Refused>);
    let fault = match refused {
        Some(refused) => fault_of(ACTION, refused),
        None => Fault::new(Class::Credentials, ACTION, "NoCredentials", chain(error)),
    };
    // The call that wanted the credentials was not made, so it was not carried out either.
    let class = if fault.class == Class::Lost { Class::Unavailable } else { fault.class };
    Fault { class, ..fault }
}

/// Connections as the SDK makes them for each of its clients, with `HTTPS_PROXY` and the like from the environment; by their
/// time-outs for connecting and reading, which credentials are asked for with others.
#[derive(Debug, Default)]
struct Pool(Mutex<HashMap<TimeOuts, SharedHttpConnector>>);

type TimeOuts = (Option<Duration>, Option<Duration>);

impl HttpClient for Pool {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let make = || {
            let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            connector.set_connector_settings(Some(settings.clone()));
            connector.set_sleep_impl(components.sleep_impl());
            connector.set_proxy_config(Some(ProxyConfig::from_env()));
            SharedHttpConnector::new(connector.build())
        };
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((settings.connect_timeout(), settings.read_timeout())).or_insert_with(make).clone()
    }
}
