//! AWS for all stacks that a process works on: whose credentials each of them gets, and what they share.
//!
//! Without a role in the configuration, stacks of a region share everything. With one, each has credentials of its own for each
//! revision, so that `CloudTrail` tells which stack and which revision a call was made for: a role is taken on once for them, and again
//! before that runs out. What is known of the account, and the connections, are shared all the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use agent_aws::account::Identity;
use agent_aws::role::{self, Ground};
use agent_aws::{Aws, Known};
use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::manifest::StackHeader;
use agent_core::provider::Cloud;
use agent_core::secret::Vault;
use tokio::sync::OnceCell;

use super::roles::{RoleError, session_name};
use super::{Session, SessionError};
use crate::config::roles::{self, Role};
use crate::policy;

/// AWS for all stacks that a process works on.
pub struct Clouds {
    ground: Ground,
    roles: Vec<Role>,
    /// With the credentials of the process, by region.
    own: Mutex<BTreeMap<String, Cell>>,
    /// With those of a role, by role and stack: the newest session of each.
    taken: Mutex<BTreeMap<(String, String), Taken>>,
    /// What is known, by role and region.
    known: Mutex<BTreeMap<(String, String), Known>>,
    judge: Arc<policy::Judge>,
}

type Cell = Arc<OnceCell<Arc<Regional>>>;

/// A role as it was taken on for a stack.
struct Taken {
    region: String,
    session: String,
    cell: Cell,
}

/// AWS in one region, and who the credentials are.
pub(super) struct Regional {
    pub aws: Arc<Aws>,
    pub cloud: Cloud,
    pub identity: Identity,
}

impl Regional {
    /// Asks who the credentials are before anything else.
    async fn new(aws: Aws) -> Result<Arc<Self>, Fault> {
        let aws = Arc::new(aws);
        let identity = aws.identity().await?;
        Ok(Arc::new(Self { cloud: agent_aws::cloud(&aws), aws, identity }))
    }
}

impl Clouds {
    /// No connections yet; these rules are in force for all stacks, and these roles may be taken on.
    pub fn new(judge: Arc<policy::Judge>, roles: Vec<Role>) -> Self {
        let (own, taken, known) = Default::default();
        Self { ground: Ground::new(), roles, own, taken, known, judge }
    }

    /// The rules that are in force.
    pub fn judge(&self) -> &Arc<policy::Judge> {
        &self.judge
    }

    /// A stack of which only the name is known: where no account is named, it is that of the role that the stack may use, else
    /// that of the credentials.
    pub async fn of_name(
        &self,
        stack: &str,
        account: Option<&str>,
        region: Option<&str>,
    ) -> Result<Session, SessionError> {
        let region = match region {
            Some(region) => region.to_owned(),
            None => self.ground.home().await.ok_or(SessionError::NoRegion)?.to_owned(),
        };
        let roles: Vec<&Role> = roles::of(&self.roles, account, stack).collect();
        let regional = match roles.as_slice() {
            [] => self.own(&region).await?,
            [role] => self.taken(role, stack, &region, None).await?,
            several => {
                let roles = several.iter().map(|role| role.arn.clone()).collect();
                return Err(RoleError::Several { stack: stack.to_owned(), roles }.into());
            }
        };
        let account = account.unwrap_or(&regional.identity.account).to_owned();
        self.session(regional, Scope::new(stack, &account, &region))
    }

    /// Connects, where that was not done before, and checks the account before anything is read. Where a role is taken on, for
    /// whichever revision that was.
    pub async fn open(&self, header: &StackHeader) -> Result<Session, SessionError> {
        self.open_at(header, None).await
    }

    /// The same for a revision, which the name of the session tells where a role is taken on.
    pub async fn open_at(&self, header: &StackHeader, revision: Option<&str>) -> Result<Session, SessionError> {
        let account = header.account.clone().ok_or_else(|| SessionError::NoAccount(header.name.clone()))?;
        let regional = match self.role_of(header) {
            Some(role) => self.taken(role, &header.name, &header.region, revision).await?,
            None => self.own(&header.region).await?,
        };
        self.session(regional, Scope::new(&header.name, &account, &header.region))
    }

    fn session(&self, regional: Arc<Regional>, scope: Scope) -> Result<Session, SessionError> {
        let Identity { account: got, arn } = &regional.identity;
        if *got == scope.account {
            return Ok(Session { regional, scope, judge: self.judge.clone() });
        }
        let there = self.roles.iter().find(|role| role.account() == scope.account);
        Err(SessionError::WrongAccount {
            stack: scope.stack,
            wanted: scope.account,
            got: got.clone(),
            arn: arn.clone(),
            role: there.map(|role| role.arn.clone()),
        })
    }

    fn role_of(&self, header: &StackHeader) -> Option<&Role> {
        roles::of(&self.roles, Some(header.account.as_deref()?), &header.name).next()
    }

    /// Forgets who the credentials of a stack are, so that it is asked again: they may have been replaced.
    pub fn forget(&self, header: &StackHeader) {
        match self.role_of(header) {
            Some(role) => {
                let key = (role.arn.clone(), header.name.clone());
                self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            }
            None => {
                self.own.lock().unwrap_or_else(PoisonError::into_inner).remove(&header.region);
            }
        }
    }

    async fn own(&self, region: &str) -> Result<Arc<Regional>, SessionError> {
        let cell = {
            let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(region.to_owned()).or_default().clone()
        };
        let connect = async || {
            let aws = Aws::with(&self.ground.own(region).await, Vault::new()?);
            Regional::new(aws).await.map_err(SessionError::NoAws)
        };
        cell.get_or_try_init(connect).await.cloned()
    }

    async fn taken(
        &self,
        role: &Role,
        stack: &str,
        region: &str,
        revision: Option<&str>,
    ) -> Result<Arc<Regional>, SessionError> {
        let name = session_name(stack, revision);
        let cell = self.cell(role, stack, region, (&name, revision.is_none()));
        let connect = async || {
            let id = role.external_id().map_err(|why| RoleError::external_id(role, why))?;
            let session = role::Session { role: role.arn.clone(), name, external_id: id, tags: role.tags(stack) };
            let aws = Aws::knowing(&self.ground.taken(region, session).await, self.known(&role.arn, region)?);
            Regional::new(aws).await.map_err(|fault| match fault.action.as_str() {
                role::ACTION => RoleError::not_taken(role, stack, fault).into(),
                _ => SessionError::NoAws(fault),
            })
        };
        cell.get_or_try_init(connect).await.cloned()
    }

    /// Where the session of that name is, or will be; the one before it is dropped once nobody works with it any more. Who asks
    /// for no revision gets the session that is there.
    fn cell(&self, role: &Role, stack: &str, region: &str, (session, is_any): (&str, bool)) -> Cell {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (role.arn.clone(), stack.to_owned());
        let is_it = |taken: &&Taken| taken.region == region && (is_any || taken.session == session);
        if let Some(taken) = all.get(&key).filter(is_it) {
            return taken.cell.clone();
        }
        let cell = Cell::default();
        let (region, session) = (region.to_owned(), session.to_owned());
        all.insert(key, Taken { region, session, cell: cell.clone() });
        cell
    }

    fn known(&self, role: &str, region: &str) -> Result<Known, SessionError> {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (role.to_owned(), region.to_owned());
        if let Some(known) = all.get(&key) {
            return Ok(known.clone());
        }
        let known = Known::new(Vault::new()?);
        all.insert(key, known.clone());
        Ok(known)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stack_has_one_session_and_who_asks_for_no_revision_gets_that() {
        let cache = tempfile::tempdir().unwrap();
        let judge = policy::judge(&crate::config::Policy::default(), cache.path()).await.unwrap();
        let role = serde_json::json!({ "arn": "arn:aws:iam::111122223333:role/x", "stacks": ["*"] });
        let role: Role = serde_json::from_value(role).unwrap();
        let clouds = Clouds::new(judge, vec![role.clone()]);
        let cell = |stack: &str, region: &str, revision: Option<&str>| {
            let name = session_name(stack, revision);
            clouds.cell(&role, stack, region, (&name, revision.is_none()))
        };
        let is_one = |one: &Cell, other: &Cell| Arc::ptr_eq(one, other);
        let (first, second) = ("1".repeat(40), "2".repeat(40));
        let one = cell("um", "eu-west-1", Some(&first));
        assert!(is_one(&one, &cell("um", "eu-west-1", Some(&first))));
        assert!(is_one(&one, &cell("um", "eu-west-1", None)));
        assert!(!is_one(&one, &cell("web", "eu-west-1", Some(&first))));
        let two = cell("um", "eu-west-1", Some(&second));
        assert!(!is_one(&one, &two) && is_one(&two, &cell("um", "eu-west-1", None)));
        // The one before is gone.
        assert!(!is_one(&one, &cell("um", "eu-west-1", Some(&first))));
        assert!(!is_one(&cell("um", "eu-west-1", None), &cell("um", "eu-west-2", None)));
        assert_eq!(clouds.taken.lock().unwrap().len(), 2);
        assert_eq!(Arc::strong_count(&one), 1, "nobody keeps it");
    }
}
