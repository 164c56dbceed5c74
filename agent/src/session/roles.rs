//! How sessions of roles are called, and why a role cannot be taken on.

use agent_core::fault::{Class, Fault};

use crate::config::roles::Role;

/// The longest name of a session
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)).
const LONGEST: usize = 64;
/// How many digits of a revision are told.
const DIGITS: usize = 7;

/// The name of a session, which every line of `CloudTrail` has: the stack, and the commit that AWS is made equal to, if one is.
pub(super) fn session_name(stack: &str, revision: Option<&str>) -> String {
    let is_commit = |id: &&str| id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let end = revision.filter(is_commit).map(|id| format!("-{}", &id[..DIGITS])).unwrap_or_default();
    let mut name = format!("gitops-agent-{stack}");
    // Names of stacks are ASCII.
    name.truncate(LONGEST - end.len());
    name + &end
}

/// Why there are no credentials of a role.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// AWS does not give them out.
    #[error("the role {role} cannot be taken on for the stack `{stack}`: {fault}")]
    NotTaken {
        /// The role.
        role: String,
        /// The stack.
        stack: String,
        /// What AWS says.
        fault: Box<Fault>,
        /// What the trust policy has to allow beside `sts:AssumeRole`.
        beside: &'static str,
    },
    /// The file with the external id cannot be used.
    #[error("the external id for the role {role} cannot be read from `{path}`: {why}")]
    ExternalId {
        /// The role.
        role: String,
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// Of a stack only the name is known, and that is not enough.
    #[error("the name `{stack}` is not enough, since the stack may use the roles {}", .roles.join(" and "))]
    Several {
        /// The stack.
        stack: String,
        /// The roles.
        roles: Vec<String>,
    },
}

impl RoleError {
    /// A role that AWS did not give out.
    pub(super) fn not_taken(role: &Role, stack: &str, fault: Fault) -> Self {
        let has_id = role.external_id.is_some() || role.external_id_file.is_some();
        let beside = match (role.tags.is_some(), has_id) {
            (true, true) => " and sts:TagSession with the external id of the configuration",
            (true, false) => " and sts:TagSession",
            (false, true) => " with the external id of the configuration",
            (false, false) => "",
        };
        Self::NotTaken { role: role.arn.clone(), stack: stack.to_owned(), fault: Box::new(fault), beside }
    }

    /// A file that cannot be used.
    pub(super) fn external_id(role: &Role, why: String) -> Self {
        let path = role.external_id_file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        Self::ExternalId { role: role.arn.clone(), path, why }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotTaken { fault, beside, .. } => match fault.class {
                Class::Denied => format!(
                    "the trust policy of the role has to allow the agent sts:AssumeRole{beside}, and so do the permissions \
                     of the agent's own role; docs/accounts.md has both"
                ),
                Class::Credentials => {
                    "the agent's own credentials have run out, or are wrong: `aws sts get-caller-identity` shows who it is"
                        .to_owned()
                }
                class if class.passes() => class.hint().to_owned(),
                _ => "correct the `[[role]]` in the agent's configuration".to_owned(),
            },
            Self::ExternalId { .. } => "check `external_id_file` and who may read it".to_owned(),
            Self::Several { .. } => "say `--account`".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_called_after_its_stack_and_commit() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(session_name("um", Some(commit)), "gitops-agent-um-0123456");
        assert_eq!(session_name("um", None), "gitops-agent-um");
        assert_eq!(session_name("um", Some("folder-0123456789ab")), "gitops-agent-um");
        let long = session_name(&"x".repeat(80), Some(commit));
        assert_eq!((long.len(), &long[56..]), (64, "-0123456"));
        assert_eq!(session_name(&"x".repeat(80), None).len(), 64);
    }
}
