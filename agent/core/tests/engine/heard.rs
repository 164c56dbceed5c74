//! Every call of a pass is heard where the pass is made, and each that changes something by the address of its step, however many
//! steps are under way at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_core::fake::faults::{Faults, Op, STATE, What, When};
use agent_core::fault::Class;
use agent_core::work::{Answer, Call, Ear, heard_by};

use crate::bench::Bench;
use crate::plans::stack;

#[derive(Clone, Debug)]
struct One {
    kind: String,
    operation: String,
    address: Option<String>,
    changes: bool,
    answer: Answer,
}

#[derive(Default)]
struct Heard(Mutex<Vec<One>>, Mutex<Vec<bool>>);

impl Ear for Heard {
    fn holds(&self, lease: bool) {
        self.1.lock().unwrap().push(lease);
    }

    fn heard(&self, call: &Call<'_>) {
        let (kind, operation) = (call.service.to_owned(), call.operation.to_owned());
        let address = call.address.map(ToString::to_string);
        self.0.lock().unwrap().push(One { kind, operation, address, changes: call.changes, answer: call.answer });
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_heard_and_each_change_by_its_address() {
    let bench = Bench::new();
    // Calls take their time, so that steps are under way beside each other.
    bench.restart(Faults { delay: Duration::from_millis(300), seed: 3, ..Faults::default() });
    let wanted = stack("10.0.0.0/16", 80, "one");
    let addresses: BTreeSet<String> = wanted.iter().map(|resource| resource.address.to_string()).collect();
    let desired = bench.desired(wanted);
    let heard = Arc::new(Heard::default());
    heard_by(heard.clone(), bench.apply(&desired)).await;
    let held = heard.1.lock().unwrap().clone();
    let heard = heard.0.lock().unwrap().clone();
    assert!(held.contains(&true) && held.last() == Some(&false), "the lease is taken, and given back: {held:?}");

    let made: Vec<(String, String)> =
        bench.fake.calls().into_iter().map(|call| (call.kind, format!("{:?}", call.op))).collect();
    let told: Vec<(String, String)> = heard.iter().map(|one| (one.kind.clone(), one.operation.clone())).collect();
    let sorted = |mut all: Vec<(String, String)>| {
        all.sort();
        all
    };
    assert_eq!(sorted(told), sorted(made));
    let changes: Vec<&One> = heard.iter().filter(|one| one.changes && one.kind != STATE).collect();
    for one in &changes {
        let address = one.address.as_deref().unwrap_or_else(|| panic!("of no step: {one:?}"));
        assert!(address.ends_with(&format!("/{}", one.kind)), "{one:?}");
    }
    let changed: BTreeSet<String> = changes.iter().filter_map(|one| one.address.clone()).collect();
    assert_eq!(changed, addresses);
    // After the pass nobody hears.
    let before = heard.len();
    bench.apply(&desired).await;
    assert_eq!(heard.len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_and_a_lost_answer_are_heard_as_what_they_are() {
    for (what, answer) in [(What::AnswerLost, Answer::None), (What::Refused(Class::Unavailable), Answer::Refused)] {
        let bench = Bench::new();
        bench.restart(Faults { plan: vec![(When::Each("toy.net".into(), Op::Create, 1), what)], ..Faults::default() });
        let heard = Arc::new(Heard::default());
        let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
        heard_by(heard.clone(), bench.apply(&desired)).await;
        let heard = heard.0.lock().unwrap().clone();
        assert_eq!(heard.iter().filter(|one| one.answer == answer).count(), 1, "{answer:?}");
    }
}
