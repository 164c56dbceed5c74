//! Policies that recurse, loop, take memory or talk without end, and children that answer nonsense, over the real child and
//! the parent's own half of it. Each is a refusal within five seconds, and the next question has its answer.

use std::path::Path;
use std::time::{Duration, Instant};

use agent_core::allowed::{Finding, Judge, Level};
use agent_core::desired::Desired;
use agent_core::plan::Plan;
use agent_policy::bundle::{Bundle, Policy};
use agent_policy::child::{self, NoVerdict};
use agent_policy::judge::{Ask, CHILD, Rules};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

#[path = "../../agent/src/sandbox.rs"]
#[allow(dead_code, reason = "the agent uses more of it")]
mod sandbox;

/// Within this time there is a verdict, whatever a policy does.
const LIMIT: Duration = Duration::from_secs(5);
/// What the agent gives its child (see `agent/src/policy/child.rs`).
const WALL: Duration = Duration::from_millis(4500);

/// A program with arguments in the child's place.
struct Program(&'static str, Vec<&'static str>);

impl Ask for Program {
    fn ask(&self, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, NoVerdict>> {
        async move {
            let answer = sandbox::run(Path::new(self.0), &self.1, question, WALL, child::MOST_BYTES).await;
            answer.map_err(|error| NoVerdict::Child(error.full()))
        }
        .boxed()
    }
}

/// The real child.
fn agent() -> Program {
    Program(env!("CARGO_BIN_EXE_agent"), vec!["__policy"])
}

fn sh(script: &'static str) -> Program {
    Program("/bin/sh", vec!["-c", script])
}

#[expect(clippy::unnecessary_wraps, reason = "that is what a document is made by")]
fn document(_: &Desired, _: Option<&Plan>) -> Result<String, String> {
    Ok("{\"facts\": {}}".to_owned())
}

fn bundle(text: &str) -> Bundle {
    let text = format!("package hostile\nimport rego.v1\n{text}\n");
    Bundle::new(vec![Policy { file: "hostile.rego".into(), text }]).unwrap()
}

async fn judged(child: Program, text: &str) -> (Vec<Finding>, Duration) {
    let begun = Instant::now();
    let findings = Rules::new(bundle(text), document, child).desired(&Desired::default()).await;
    (findings, begun.elapsed())
}

/// What is said instead of a verdict.
async fn refused(child: Program, text: &str) -> String {
    let (findings, took) = judged(child, text).await;
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.rule.as_str(), finding.level), (CHILD, Level::Hard));
    assert!(finding.refuses() && finding.hint.is_some(), "{finding:?}");
    assert!(took < LIMIT, "{took:?}: {}", finding.message);
    finding.message.clone()
}

/// A good question to the same child.
async fn lives() {
    let (findings, _) = judged(agent(), "deny contains \"no\" if input.facts").await;
    assert_eq!(findings.iter().map(|f| (f.rule.as_str(), f.message.as_str())).collect::<Vec<_>>(), [("hostile", "no")]);
}

#[tokio::test]
async fn a_policy_that_recurses() {
    let message = refused(agent(), "f(x) := y if { y := f(x + 1) }\ndeny contains \"x\" if f(1) == 2").await;
    assert!(message.contains("ended by signal") || message.contains("recursion"), "{message}");
    lives().await;
}

#[tokio::test]
async fn a_policy_that_never_ends() {
    let endless = "n := numbers.range(1, 3000)\ndeny contains \"x\" if { some a in n; some b in n; some c in n; a * b * c == -1 }";
    let message = refused(agent(), endless).await;
    assert!(message.contains("processor time") || message.contains("longer than"), "{message}");
    lives().await;
}

#[tokio::test]
async fn a_policy_that_takes_memory() {
    let message = refused(agent(), "deny contains \"x\" if count(numbers.range(1, 100000000)) > 1").await;
    let ended = ["ended by signal", "processor time", "longer than", "could not be evaluated"];
    assert!(ended.iter().any(|end| message.contains(end)), "{message}");
    lives().await;
}

/// More than the child may have, and less than what the allocator would take at the start in one piece if it were let.
#[tokio::test]
async fn a_policy_that_takes_memory_in_small_pieces() {
    let many =
        "deny contains \"x\" if count([s | some n in numbers.range(1, 600000); s := sprintf(\"%01000d\", [n])]) > 1";
    let message = refused(agent(), many).await;
    assert!(message.contains("out of the memory"), "{message}");
    lives().await;
}

#[tokio::test]
async fn a_policy_that_takes_much_memory_at_once() {
    let message = refused(agent(), "deny contains sprintf(\"%02000000000d\", [1]) if true").await;
    let ended = ["ended by signal", "ended with the status", "could not be evaluated", "more than"];
    assert!(ended.iter().any(|end| message.contains(end)), "{message}");
    lives().await;
}

#[tokio::test]
async fn policies_that_are_deeply_nested() {
    for (open, close) in [("[", "]"), ("(", ")"), ("{\"a\": ", "}"), ("not ", ""), ("- ", "")] {
        let nested = format!("deny contains \"x\" if {{ {}1{} == 1 }}", open.repeat(20_000), close.repeat(20_000));
        refused(agent(), &nested).await;
    }
    lives().await;
}

#[tokio::test]
async fn a_number_without_end() {
    let times = |name: &str, of: &str| format!("{name} := {}", [of; 9].join(" * "));
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let powers: Vec<String> = names.windows(2).map(|pair| times(pair[1], pair[0])).collect();
    let text = format!("deny contains \"x\" if {{ a := 99999999999999999999; {}; h == 1 }}", powers.join("; "));
    refused(agent(), &text).await;
    lives().await;
}

#[tokio::test]
async fn a_policy_that_answers_without_end() {
    let text = "deny contains msg if { some n in numbers.range(1, 3000); msg := sprintf(\"%04000d\", [n]) }";
    assert!(refused(agent(), text).await.contains("answered with more than"));
    let many = "deny contains msg if { some n in numbers.range(1, 2000); msg := sprintf(\"%d\", [n]) }";
    let (told, _) = judged(agent(), many).await;
    assert_eq!(told.len(), 501);
    assert!(told.iter().all(Finding::refuses));
    assert!(told[500].message.starts_with("and 1500 more like these: "), "{}", told[500].message);
    lives().await;
}

#[tokio::test]
async fn policies_that_are_none() {
    for (text, why) in [
        ("deny contains", "hostile.rego"),
        ("allow := true", "hostile: it has neither `deny` nor `warn` nor `unknown`"),
        ("deny := true", "hostile: `deny`"),
        ("deny contains 1 if true", "hostile: `deny`: a finding has no `msg`"),
        ("unknown contains \"x\" if true", "hostile: `unknown`: it does not name the missing `fact`"),
        ("deny contains \"x\" if http.send({})", "http.send"),
        ("deny contains \"x\" if to_number(\"one\") == 1", "to_number"),
    ] {
        let message = refused(agent(), text).await;
        assert!(message.contains(why), "{text}: {message}");
    }
    lives().await;
}

#[tokio::test]
async fn children_that_are_none() {
    for (script, why) in [
        ("echo all is well", "gave no answer that can be used"),
        ("printf ''", "it is cut"),
        ("printf '{\"judged\": []}'", "it is cut"),
        ("echo '{\"judged\": []}'", "it is not about the rules that were asked"),
        ("echo '{\"judged\": [{\"rule\": \"other\", \"said\": []}]}'", "it is not about the rules that were asked"),
        ("echo '{\"judged\": [{\"rule\": \"hostile\", \"said\": []}]}'; echo more", "it is more than one line"),
        ("echo '{\"passed\": true}'", "gave no answer that can be used"),
        ("cat /dev/zero", "answered with more than"),
        ("exit 3", "ended with the status 3"),
        ("kill -SEGV $$", "ended by signal 11"),
        ("exec sleep 600", "longer than"),
    ] {
        let message = refused(sh(script), "deny contains \"x\" if false").await;
        assert!(message.contains(why), "{script}: {message}");
    }
    let nobody = refused(Program("/nonexistent", Vec::new()), "deny contains \"x\" if false").await;
    assert!(nobody.contains("could not be started"), "{nobody}");
}
