//! The preflight: what a task has to do to start and to work, and hop by hop whether it can, from what the manifests say and
//! what AWS was asked. The first broken link is what one would find out from ECS minutes after a merge.

mod balance;
mod broken;
mod connect;
mod groups;
mod iam;
mod once;
mod party;
mod secrets;
mod show;
mod start;
mod work;

use serde::Serialize;

use super::view::View;
use super::ways::Ways;
use super::{Line, Verdict};
pub use broken::Broken;
pub(super) use broken::broken;
use groups::Groups;
use party::Party;
pub use show::show;

/// The rules that judge hops, by the kind of link.
mod rules {
    pub(super) const PRESENT: &str = "endpoints-present";
    pub(super) const REACHABLE: &str = "endpoint-reachable";
    pub(super) const EXECUTION: &str = "execution-role-permits";
    pub(super) const TASK: &str = "task-role-permits";
    pub(super) const LOG_GROUP: &str = "log-group-exists";
    pub(super) const BALANCER: &str = "load-balancer-reaches-tasks";
    pub(super) const CONNECT: &str = "services-reach-each-other";
    pub(super) const ONCE: &str = "private-dns-once";
    pub(super) const FIRST_PULL: &str = "pull-through-first-pull";
    pub(super) const PROVEN: &str = "paths-proven";
}

/// Something that a task must do, and the hops on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The service, or the endpoint.
    pub address: String,
    /// What it must do: `pulls the image …`.
    pub because: String,
    /// The line that asks for it.
    pub line: Line,
    /// `no` where one hop is broken, else `unknown` where a fact is missing.
    pub verdict: Verdict,
    /// In their order.
    pub hops: Vec<Hop>,
}

/// One link of a way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// What must hold: `service.web/ec2.security_group lets TCP 443 out to …`.
    pub name: String,
    /// The rule that judges it.
    pub rule: &'static str,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The missing fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// The resource that decides.
    pub at: String,
    /// The field of its spec.
    pub field: Vec<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Hop {
    fn new(rule: &'static str, name: impl Into<String>, at: &str, field: &[&str]) -> Self {
        Self {
            name: name.into(),
            rule,
            verdict: Verdict::Yes,
            lacks: None,
            fact: None,
            at: at.to_owned(),
            field: field.iter().map(|word| (*word).to_owned()).collect(),
            hint: None,
        }
    }

    /// The hop, which does not hold.
    fn no(mut self, lacks: impl Into<String>, hint: impl Into<String>) -> Self {
        self.verdict = Verdict::No;
        self.lacks = Some(lacks.into());
        self.hint = Some(hint.into());
        self
    }

    /// The hop, of which a fact is missing that nobody asks AWS for.
    fn unknown(mut self, fact: impl Into<String>) -> Self {
        self.rule = rules::PROVEN;
        self.verdict = Verdict::Unknown;
        self.fact = Some(fact.into());
        self
    }

    /// The hop, which holds if something does.
    fn only_if(self, holds: bool, lacks: impl FnOnce() -> String, hint: impl Into<String>) -> Self {
        if holds { self } else { self.no(lacks(), hint) }
    }
}

impl Check {
    fn new(address: &str, because: impl Into<String>, line: Line, hops: Vec<Hop>) -> Self {
        let is = |verdict| hops.iter().any(|hop| hop.verdict == verdict);
        let verdict = match (is(Verdict::No), is(Verdict::Unknown)) {
            (true, _) => Verdict::No,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Yes,
        };
        Self { address: address.to_owned(), because: because.into(), line, verdict, hops }
    }
}

/// All checks of a stack, service by service.
pub(super) fn checks(view: &View<'_>, ways: &Ways<'_>, needs: &[super::Need]) -> Vec<Check> {
    let groups = Groups::new(view);
    let forwarding = balance::Forwarding::new(view);
    let names = connect::Names::new(view);
    let mut checks = once::checks(view);
    let mut rest = needs;
    for (address, spec) in &view.services {
        let party = Party::new(view, ways, &groups, address, spec);
        // Needs are in the order of the services.
        let (own, others) = rest.split_at(rest.iter().take_while(|need| need.address == *address).count());
        rest = others;
        checks.extend(start::checks(&party));
        checks.extend(work::checks(&party, own));
        checks.extend(balance::checks(&party, &forwarding));
        checks.extend(connect::checks(&party, &names));
    }
    checks
}
