//! Whose credentials these are: asked before the first read, so that a stack never lands in another account.

use agent_core::fault::Fault;

use crate::Aws;
use crate::fault::{fault, lacks};

/// Who the agent is in AWS.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    /// The ARN of the role or user.
    pub arn: String,
}

impl Aws {
    /// The account and the role of the credentials
    /// ([GetCallerIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html) needs no
    /// permission).
    pub async fn identity(&self) -> Result<Identity, Fault> {
        let action = "sts:GetCallerIdentity";
        let answer = self.sts.get_caller_identity().send().await.map_err(fault(action))?;
        Ok(Identity {
            account: answer.account.ok_or_else(|| lacks(action, "Account"))?,
            arn: answer.arn.ok_or_else(|| lacks(action, "Arn"))?,
        })
    }
}
