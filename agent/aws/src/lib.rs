//! The I/O half of every kind: calls to AWS and back into the types of `agent-model`. Nothing here decides; no file but
//! this crate's names an SDK.

pub mod account;
pub mod cloudfront;
pub mod ec2;
pub mod ecs;
pub mod elb;
pub mod fault;
mod hearing;
pub mod iam;
pub mod logs;
pub mod lookup;
mod secrets;
pub mod servicediscovery;
pub mod ssm;
pub mod state;
mod words;

use std::sync::{Arc, Mutex};

use agent_core::lookup::Answers;
use agent_core::provider::Cloud;
use agent_core::secret::{NoRandomness, Vault};
use aws_config::meta::region::ProvideRegion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::hearing::Hearing;

/// Clients for one account and region, and the vault of this process.
#[derive(Clone)]
pub struct Aws {
    /// Systems Manager.
    pub ssm: aws_sdk_ssm::Client,
    /// Security Token Service.
    pub sts: aws_sdk_sts::Client,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// Elastic Load Balancing v2.
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// `CloudWatch` Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// `CloudFront`. A global service: its client finds its own way, whatever the region.
    pub cloudfront: aws_sdk_cloudfront::Client,
    /// Cloud Map.
    pub servicediscovery: aws_sdk_servicediscovery::Client,
    /// Task definitions that this process has read.
    pub definitions: ecs::Definitions,
    /// What expansions have asked.
    lookups: Arc<Mutex<Answers>>,
    /// Where plaintexts of secrets are.
    pub vault: Vault,
}

impl Aws {
    /// Clients that take their credentials as every AWS tool does: environment, profile, container, instance.
    ///
    /// `http` puts another HTTP client under all of them; tests count, record and break calls there.
    pub async fn connect(region: &str, vault: Vault, http: Option<SharedHttpClient>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(std::time::Duration::from_secs(5))
            .operation_attempt_timeout(std::time::Duration::from_secs(30))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(timeouts);
        if let Some(http) = http {
            loader = loader.http_client(http);
        }
        Self::with(&loader.load().await, vault)
    }

    /// Clients of one SDK configuration.
    pub fn with(config: &SdkConfig, vault: Vault) -> Self {
        macro_rules! client {
            ($sdk:ident, $service:literal) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(config).interceptor(Hearing { service: $service }).build(),
                )
            };
        }
        Self {
            ssm: client!(aws_sdk_ssm, "ssm"),
            sts: client!(aws_sdk_sts, "sts"),
            ec2: client!(aws_sdk_ec2, "ec2"),
            elb: client!(aws_sdk_elasticloadbalancingv2, "elasticloadbalancing"),
            ecs: client!(aws_sdk_ecs, "ecs"),
            iam: client!(aws_sdk_iam, "iam"),
            logs: client!(aws_sdk_cloudwatchlogs, "logs"),
            cloudfront: client!(aws_sdk_cloudfront, "cloudfront"),
            servicediscovery: client!(aws_sdk_servicediscovery, "servicediscovery"),
            lookups: Arc::default(),
            definitions: ecs::Definitions::default(),
            vault,
        }
    }

    /// A fresh vault.
    pub fn vault() -> Result<Vault, NoRandomness> {
        Vault::new()
    }
}

/// The region that the environment or the profile names, as every AWS tool reads it.
pub async fn default_region() -> Option<String> {
    aws_config::default_provider::region::default_provider().region().await.map(|region| region.to_string())
}

macro_rules! doors {
    ($($kind:ty,)*) => {
        /// The doors to all kinds.
        pub fn cloud(aws: &Arc<Aws>) -> Cloud {
            Cloud::new()$(.with::<$kind, Aws>(aws))*
        }
    };
}
agent_model::each_kind!(doors);
