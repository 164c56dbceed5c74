//! Whose work a call to AWS is. Whoever makes a pass says who wants to hear of its calls; whoever makes calls tells of each.
//! It travels with the task and not through the doors: no kind has to know of it, and none can forget it.
//!
//! **Assumes** that a pass stays in the task that it was begun in; what it would spawn is not heard of.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::clock::{Clock, Reading};

/// Who wants to hear of calls.
pub trait Ear: Send + Sync {
    /// A call has ended. It is told in the task of the pass: nothing may wait here.
    fn heard(&self, call: &Call<'_>);

    /// The right to change the stack was taken or kept, or is gone.
    fn holds(&self, lease: bool) {
        let _ = lease;
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// AWS did it.
    Accepted,
    /// AWS refused it.
    Refused,
    /// No answer came: it may have been carried out.
    None,
}

impl Answer {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::None => "unanswered",
        }
    }
}

/// A call that has ended, retries of the client among it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The service, as AWS's permissions spell it (`ec2`).
    pub service: &'a str,
    /// The operation (`CreateVpc`).
    pub operation: &'a str,
    /// Whether it changes anything.
    pub changes: bool,
    /// How it ended.
    pub answer: Answer,
    /// The id that AWS gave the last attempt, which its support and `CloudTrail` find it by.
    pub request_id: Option<&'a str>,
    /// The resource that a step of a plan is about; none for reads, and for what a stack says about itself.
    pub address: Option<&'a Address>,
}

tokio::task_local! {
    static EAR: Arc<dyn Ear>;
    static ADDRESS: Address;
    static FENCE: Fence;
}

/// Until when changing calls may be sent. Whoever sends looks at it last of all: at each attempt of each call of a change.
#[derive(Clone, Debug)]
pub struct Fence {
    clock: Clock,
    limits: [(Reading, Duration); 2],
}

impl Fence {
    /// One that closes so long after a moment.
    pub fn new(clock: Clock, from: Reading, length: Duration) -> Self {
        Self { clock, limits: [(from, length); 2] }
    }

    /// The same, or so long after another moment, whichever is earlier.
    pub fn and(self, from: Reading, length: Duration) -> Self {
        let [first, _] = self.limits;
        Self { limits: [first, (from, length)], ..self }
    }

    /// Whether a call may still be sent.
    pub fn is_open(&self) -> bool {
        self.limits.iter().all(|(from, length)| self.clock.since(*from) < *length)
    }
}

/// Makes a change whose calls are sent before a fence closes, or not at all.
pub async fn within<F: Future>(fence: Fence, change: F) -> F::Output {
    FENCE.scope(fence, change).await
}

/// Whether it is too late to send a changing call.
pub fn is_too_late() -> bool {
    FENCE.try_with(|fence| !fence.is_open()).unwrap_or(false)
}

/// Does some work, of whose calls somebody hears.
pub async fn heard_by<F: Future>(ear: Arc<dyn Ear>, work: F) -> F::Output {
    EAR.scope(ear, work).await
}

/// Does what a step at an address is about.
pub async fn at<F: Future>(address: &Address, step: F) -> F::Output {
    ADDRESS.scope(address.clone(), step).await
}

/// Tells of a call, if somebody hears.
pub fn tell(call: &Call<'_>) {
    let _ = EAR.try_with(|ear| {
        let told = ADDRESS.try_with(|address| ear.heard(&Call { address: Some(address), ..*call }));
        told.unwrap_or_else(|_| ear.heard(call));
    });
}

/// Tells whether the right to change the stack is held, if somebody hears.
pub(crate) fn holds(lease: bool) {
    let _ = EAR.try_with(|ear| ear.holds(lease));
}

/// Words that the names of reading operations begin with, of the services that the agent calls.
const READS: [&str; 9] = ["Describe", "Get", "List", "BatchGet", "Head", "Lookup", "Search", "Simulate", "Discover"];

/// Whether an operation changes anything; what is not known as a read does. Taking a role changes nothing.
pub fn changes(operation: &str) -> bool {
    let is_word =
        |prefix: &&str| operation.strip_prefix(*prefix).is_some_and(|rest| !rest.starts_with(char::is_lowercase));
    !operation.starts_with("AssumeRole") && !READS.iter().any(is_word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::join;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(String, Option<String>)>>);

    impl Ear for Heard {
        fn heard(&self, call: &Call<'_>) {
            let address = call.address.map(ToString::to_string);
            self.0.lock().unwrap().push((call.operation.to_owned(), address));
        }
    }

    fn call(operation: &str) -> Call<'_> {
        let changes = changes(operation);
        Call { service: "ssm", operation, changes, answer: Answer::Accepted, request_id: None, address: None }
    }

    #[tokio::test]
    async fn each_call_is_told_to_the_ear_of_its_work_with_the_address_of_its_step() {
        let (one, two) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
        let address: Address = "parameter.a/ssm.parameter".parse().unwrap();
        let work = |ear: &Arc<Heard>, first: &'static str| {
            let address = address.clone();
            heard_by(ear.clone(), async move {
                tell(&call("GetParametersByPath"));
                tokio::task::yield_now().await;
                at(&address, async {
                    tokio::task::yield_now().await;
                    tell(&call(first));
                })
                .await;
            })
        };
        // Beside each other in one task, as steps are.
        join(work(&one, "PutParameter"), work(&two, "DeleteParameter")).await;
        tell(&call("PutParameter"));
        let heard = |ear: &Heard| ear.0.lock().unwrap().clone();
        let at = Some(address.to_string());
        assert_eq!(heard(&one), [("GetParametersByPath".into(), None), ("PutParameter".into(), at.clone())]);
        assert_eq!(heard(&two), [("GetParametersByPath".into(), None), ("DeleteParameter".into(), at)]);
    }

    #[test]
    fn what_is_not_known_as_a_read_changes() {
        for read in ["DescribeVpcs", "GetCallerIdentity", "ListTagsForResource", "AssumeRole", "BatchGetSomething"] {
            assert!(!changes(read), "{read}");
        }
        for change in ["CreateVpc", "PutParameter", "RegisterTargets", "Getaway", "Listen", "DeleteRule", "UntagRole"] {
            assert!(changes(change), "{change}");
        }
    }
}
