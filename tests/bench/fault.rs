//! Which call fails, and how. A plan is data (or a function); it is applied by [`super::wire`].

use std::time::Duration;

use super::name::{Kind, Name};

/// Which call is hit. Counting starts at 1, anew with each plan; an SDK's retry counts as a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    Nth(usize),
    NthMutating(usize),
    /// The n-th call of one action; the service is the signing name.
    Action {
        service: &'static str,
        action: &'static str,
        nth: usize,
    },
    /// Every call of one action.
    EachOf {
        service: &'static str,
        action: &'static str,
    },
    /// Every call.
    Each,
}

/// What happens to the call that is hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The process dies before the call is sent: neither it nor any later call reaches AWS.
    CrashBefore,
    /// The process dies after AWS has done it: the answer is lost, later calls are not sent.
    CrashAfter,
    /// The process dies with the answer in its hand: it gets the answer, and no later call is sent.
    CrashAnswered,
    /// AWS does it, the answer is lost, the client sees a timeout (behind the proxy: a connection closed without an answer).
    LostAnswer,
    /// Nothing is sent, the client sees a timeout (behind the proxy: a connection closed without an answer).
    Timeout,
    /// The service's own throttling error.
    Throttle,
    /// The service's own internal error, status 500.
    Internal500,
    AccessDenied,
    ExpiredToken,
    /// The service's "there is no such thing" of that code (`InvalidVpcID.NotFound`, `NoSuchEntity`).
    NotFound(&'static str),
    /// The service's "not now" or "already there" of that code (`DependencyViolation`, `EntityAlreadyExists`).
    Conflict(&'static str),
    /// Any other error.
    Error {
        code: &'static str,
        status: u16,
    },
    /// AWS is not asked, and answers this with status 200: what an emulator never says, in the form of the service's protocol.
    Answer(String),
    /// The call goes out that much later. On Tokio's clock, and outside of the SDK's read timeout.
    Delay(Duration),
}

impl What {
    /// A word for records.
    pub fn name(&self) -> &'static str {
        match self {
            What::CrashBefore => "crash before",
            What::CrashAfter => "crash after",
            What::CrashAnswered => "crash once answered",
            What::LostAnswer => "lost answer",
            What::Timeout => "timeout",
            What::Throttle => "throttle",
            What::Internal500 => "internal error",
            What::AccessDenied => "access denied",
            What::ExpiredToken => "expired token",
            What::NotFound(_) => "not found",
            What::Conflict(_) => "conflict",
            What::Error { .. } => "error",
            What::Answer(_) => "made-up answer",
            What::Delay(_) => "delay",
        }
    }
}

/// One planned failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: At,
    pub what: What,
}

impl Fault {
    pub fn new(at: At, what: What) -> Fault {
        Fault { at, what }
    }
}

/// What a plan given as a function sees of a call.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    pub name: &'a Name,
    /// Of all calls, from 1.
    pub nth: usize,
    /// Of mutating calls, from 1; of a read: of those before it.
    pub nth_mutating: usize,
    /// Of the calls of this action, from 1.
    pub nth_of_action: usize,
    pub body: &'a [u8],
}

type Function = Box<dyn FnMut(&Head<'_>) -> Option<What> + Send>;

/// Planned failures and the counts that they refer to.
#[derive(Default)]
pub struct Plan {
    faults: Vec<Fault>,
    function: Option<Function>,
    seen: Vec<Name>,
}

impl Plan {
    pub fn of(faults: Vec<Fault>) -> Plan {
        Plan { faults, ..Plan::default() }
    }

    pub fn by(function: impl FnMut(&Head<'_>) -> Option<What> + Send + 'static) -> Plan {
        Plan { function: Some(Box::new(function)), ..Plan::default() }
    }

    /// Counts a call and says what happens to it; the first fault of the list that fits wins.
    pub fn next(&mut self, name: &Name, body: &[u8]) -> Option<What> {
        self.seen.push(name.clone());
        let count = |fits: &dyn Fn(&Name) -> bool| self.seen.iter().filter(|seen| fits(seen)).count();
        let head = Head {
            name,
            nth: self.seen.len(),
            nth_mutating: count(&|seen| seen.kind == Kind::Mutating),
            nth_of_action: count(&|seen| seen.service == name.service && seen.action == name.action),
            body,
        };
        if let Some(fault) = self.faults.iter().find(|fault| fault.at.fits(&head)) {
            return Some(fault.what.clone());
        }
        self.function.as_mut().and_then(|function| function(&head))
    }
}

impl At {
    fn fits(&self, head: &Head<'_>) -> bool {
        let is = |service: &str, action: &str| head.name.service == service && head.name.action == action;
        match self {
            At::Nth(nth) => head.nth == *nth,
            At::NthMutating(nth) => head.name.kind == Kind::Mutating && head.nth_mutating == *nth,
            At::Action { service, action, nth } => is(service, action) && head.nth_of_action == *nth,
            At::EachOf { service, action } => is(service, action),
            At::Each => true,
        }
    }
}
