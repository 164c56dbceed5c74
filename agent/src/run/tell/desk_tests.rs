//! Tests of what is news, with the record in a faked cloud.
#![allow(clippy::unwrap_used, clippy::panic)]

use agent_core::fake::Fake;
use serde_json::json;

use super::*;

fn about(stack: Option<&str>, revision: &str) -> About {
    let (stack, revision) = (stack.map(str::to_owned), revision.to_owned());
    About { stack, revision, url: "/srv/manifests".to_owned(), branch: "main".to_owned() }
}

fn desk(more: &serde_json::Value) -> Arc<Desk> {
    let mut config = json!({ "kind": "github", "repository": "o/r", "token_file": "t" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Desk::new(&[serde_json::from_value(config).unwrap()], String::new(), Board::new())
}

/// What waits in the queue; each is told, if it is.
fn heard(desk: &Desk, is_told: bool) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(message) = desk.queues[0].try_next() {
        let Message { stack, revision, outcome, .. } = &message;
        all.push(format!("{} {revision} {}", stack.as_deref().unwrap_or("*"), outcome.word()));
        if is_told { desk.was_told(0, &message) } else { desk.was_not_told(0, &message) }
    }
    all
}

/// As the loop and a pass do it: the stack is read with a commit, its record with the state of the stack.
async fn pass(desk: &Desk, store: &Arc<Fake>, revision: &str, changes: bool, how: How) {
    let about = about(Some("um"), revision);
    desk.newest(&about);
    let record = store.all("um").await.unwrap().remove(Told::ENTRY).map(|entry| entry.value);
    desk.read("um", record.as_deref(), store.clone());
    if changes {
        desk.happened(&about, Outcome::Pending, "progressing", &[]);
    }
    desk.ended(&about, how, &["why".to_owned()]);
}

#[tokio::test]
async fn what_was_told_is_recorded_and_another_process_tells_it_no_more() {
    let store = Arc::<Fake>::default();
    let first = desk(&json!({}));
    pass(&first, &store, "a", true, How::Converged).await;
    assert_eq!(heard(&first, true), ["um a pending", "um a success"]);
    assert!(store.all("um").await.unwrap().is_empty(), "only by the recorder");
    assert!(first.write().await);
    pass(&first, &store, "a", true, How::Converged).await;
    assert!(heard(&first, true).is_empty(), "a repair is no news");
    let versions = Store::history(store.as_ref(), "um", Told::ENTRY).await.unwrap().len();
    assert!(first.write().await);
    assert_eq!(
        Store::history(store.as_ref(), "um", Told::ENTRY).await.unwrap().len(),
        versions,
        "nothing new, nothing written"
    );

    let second = desk(&json!({}));
    pass(&second, &store, "a", false, How::Converged).await;
    assert!(heard(&second, true).is_empty());
    pass(&second, &store, "b", true, How::Failed).await;
    assert_eq!(heard(&second, true), ["um b pending", "um b failure"]);
    // A crash before the record: once more, and no more than that.
    let third = desk(&json!({}));
    pass(&third, &store, "b", false, How::Failed).await;
    assert_eq!(heard(&third, true), ["um b failure"]);
}

#[tokio::test]
async fn what_could_not_be_told_is_told_at_the_next_look() {
    let store = Arc::<Fake>::default();
    let desk = desk(&json!({}));
    pass(&desk, &store, "a", false, How::Converged).await;
    assert_eq!(heard(&desk, false), ["um a success"]);
    assert!(desk.write().await && store.all("um").await.unwrap().is_empty(), "it was not told");
    pass(&desk, &store, "a", false, How::Converged).await;
    assert_eq!(heard(&desk, true), ["um a success"]);
    pass(&desk, &store, "a", false, How::Converged).await;
    assert!(heard(&desk, true).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_one_after_five_minutes() {
    let store = Arc::<Fake>::default();
    let desk = desk(&json!({ "outcomes": ["failure"] }));
    let mut told = Vec::new();
    for _ in 0..10 {
        pass(&desk, &store, "a", true, How::FailedForNow).await;
        told.push(heard(&desk, true).len());
        tokio::time::advance(Duration::from_mins(1)).await;
    }
    assert_eq!(told, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    // What went well in between starts the clock anew.
    pass(&desk, &store, "a", true, How::Converged).await;
    tokio::time::advance(Duration::from_mins(9)).await;
    pass(&desk, &store, "a", true, How::FailedForNow).await;
    assert!(heard(&desk, true).is_empty());
}

#[tokio::test]
async fn the_end_of_what_no_longer_counts_is_no_news() {
    let store = Arc::<Fake>::default();
    let desk = desk(&json!({}));
    pass(&desk, &store, "a", true, How::Progressing).await;
    desk.newest(&about(Some("um"), "b"));
    desk.happened(&about(Some("um"), "b"), Outcome::Failure, "refused", &[]);
    desk.ended(&about(Some("um"), "a"), How::Converged, &[]);
    assert_eq!(heard(&desk, true), ["um a pending", "um a superseded", "um b failure"]);
    desk.forget("um");
    desk.ended(&about(Some("um"), "b"), How::Failed, &[]);
    assert!(heard(&desk, true).is_empty());
}

#[tokio::test]
async fn each_hears_of_what_it_wants_to_hear_of() {
    let desk = desk(&json!({ "stacks": ["web-*", "um"], "source": "/srv/manifests" }));
    for stack in ["um", "um-2", "web-a", "web", "other"] {
        desk.newest(&about(Some(stack), "a"));
        desk.ended(&about(Some(stack), "a"), How::Converged, &[]);
    }
    let elsewhere = About { url: "/srv/other".to_owned(), ..about(Some("um"), "b") };
    desk.newest(&elsewhere);
    desk.ended(&elsewhere, How::Converged, &[]);
    // What is wrong with a whole revision is in the way of each stack.
    desk.happened(&about(None, "c"), Outcome::Failure, "refused", &[]);
    desk.happened(&about(None, "c"), Outcome::Failure, "refused", &[]);
    assert_eq!(heard(&desk, true), ["um a success", "web-a a success", "* c failure"]);
}

#[tokio::test]
async fn a_revision_that_was_refused_and_is_followed_now_is_told_and_no_other_is() {
    let desk = desk(&json!({}));
    desk.followed(&about(None, "a"));
    desk.happened(&about(None, "b"), Outcome::Failure, "refused", &[]);
    let elsewhere = About { url: "/srv/other".to_owned(), ..about(None, "c") };
    desk.happened(&elsewhere, Outcome::Failure, "refused", &[]);
    desk.happened(&about(None, "b"), Outcome::Failure, "refused", &[]);
    desk.followed(&about(None, "b"));
    desk.followed(&about(None, "b"));
    assert_eq!(heard(&desk, true), ["* b failure", "* c failure", "* b success"]);
    desk.followed(&about(None, "d"));
    assert!(heard(&desk, true).is_empty(), "that is told of its stacks");
}

#[tokio::test]
async fn a_record_that_cannot_be_written_is_written_later() {
    let store = Arc::<Fake>::default();
    let desk = desk(&json!({}));
    pass(&desk, &store, "a", false, How::Converged).await;
    assert_eq!(heard(&desk, true).len(), 1);
    let refusing: Arc<dyn Store> = Arc::new(Refusing);
    desk.read("um", None, refusing);
    assert!(!desk.write().await);
    desk.read("um", None, store.clone());
    assert!(desk.write().await);
    assert!(store.all("um").await.unwrap().contains_key(Told::ENTRY));
}

#[tokio::test]
async fn what_there_was_no_room_for_is_told_at_the_next_look() {
    let desk = desk(&json!({}));
    let about = |n: usize| about(Some(&format!("s{n}")), "a");
    let more = super::super::queue::MOST + 2;
    for n in 0..more {
        desk.newest(&about(n));
        desk.ended(&about(n), How::Converged, &[]);
    }
    assert_eq!(heard(&desk, true).len(), more - 2);
    for n in 0..more {
        desk.ended(&about(n), How::Converged, &[]);
    }
    assert_eq!(heard(&desk, true), ["s0 a success", "s1 a success"]);
}

/// A store that takes nothing.
struct Refusing;

type Answer<'a, T> = futures_util::future::BoxFuture<'a, Result<T, agent_core::fault::Fault>>;

impl Refusing {
    fn no<'a, T: Send + 'a>() -> Answer<'a, T> {
        let fault = agent_core::fault::Fault::new(agent_core::fault::Class::Denied, "ssm:PutParameter", "No", "no");
        Box::pin(async move { Err(fault) })
    }
}

impl Store for Refusing {
    fn all<'a>(&'a self, _: &'a str) -> Answer<'a, BTreeMap<String, agent_core::state::Entry>> {
        Self::no()
    }

    fn put<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> Answer<'a, ()> {
        Self::no()
    }

    fn put_new<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> Answer<'a, bool> {
        Self::no()
    }

    fn history<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Vec<agent_core::state::Entry>> {
        Self::no()
    }

    fn delete<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, ()> {
        Self::no()
    }

    fn stacks(&self) -> Answer<'_, BTreeMap<String, agent_core::state::Entry>> {
        Self::no()
    }
}
