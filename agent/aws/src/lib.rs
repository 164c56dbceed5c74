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
pub mod role;
mod secrets;
pub mod servicediscovery;
pub mod ssm;
pub mod state;
mod words;

use std::sync::{Arc, Mutex};

use agent_core::lookup::Answers;
use agent_core::provider::Cloud;
use agent_core::secret::{NoRandomness, Vault};
use aws_config::SdkConfig;

use crate::hearing::Hearing;

/// What a process knows of one account and region, whatever credentials it has there. All clones are one.
#[derive(Clone)]
pub struct Known {
    /// Task definitions that were read.
    definitions: ecs::Definitions,
    /// What expansions have asked.
    lookups: Arc<Mutex<Answers>>,
    /// Where plaintexts of secrets are.
    vault: Vault,
}

impl Known {
    /// Nothing yet.
    pub fn new(vault: Vault) -> Self {
        Self { definitions: ecs::Definitions::default(), lookups: Arc::default(), vault }
    }
}

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
    /// Clients of one SDK configuration, which know nothing yet.
    pub fn with(config: &SdkConfig, vault: Vault) -> Self {
        Self::knowing(config, Known::new(vault))
    }

    /// Clients of one SDK configuration, for the account and region of which this is known.
    pub fn knowing(config: &SdkConfig, Known { definitions, lookups, vault }: Known) -> Self {
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
            lookups,
            definitions,
            vault,
        }
    }

    /// A fresh vault.
    pub fn vault() -> Result<Vault, NoRandomness> {
        Vault::new()
    }
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
