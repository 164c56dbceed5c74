//! Tests of how long and how often somebody is tried to be told something, by a clock that they move.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;

use agent_core::told::Outcome;
use serde_json::json;

use super::*;
use crate::run::board::Board;

fn later(wait: Option<u64>) -> Answer {
    Answer::Later { wait: wait.map(Duration::from_secs), why: "busy".to_owned() }
}

fn refused() -> Answer {
    Answer::Refused { why: "no".to_owned(), hint: "do" }
}

/// How it ends with these answers, of which the last one stays; and when attempts were made, in seconds.
async fn told(answers: Vec<Answer>, ending: &mut watch::Receiver<bool>) -> (Ended, Vec<f64>) {
    let desk = Desk::new(&[], String::new(), Board::new());
    let (begun, attempts) = (Instant::now(), RefCell::new(Vec::new()));
    let attempt = || {
        attempts.borrow_mut().push(begun.elapsed().as_secs_f64());
        std::future::ready(answers[(attempts.borrow().len() - 1).min(answers.len() - 1)].clone())
    };
    let ended = tell(&desk, "x", begun, attempt, &mut None, ending).await;
    (ended, attempts.into_inner())
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_until_it_goes_through() {
    let (_keep, mut ending) = watch::channel(false);
    let (ended, at) = told(vec![later(None), later(None), later(None), Answer::Told], &mut ending).await;
    assert_eq!(ended, Ended::Told);
    let pauses: Vec<f64> = at.windows(2).map(|two| two[1] - two[0]).collect();
    for (n, (pause, most)) in pauses.iter().zip([1.0, 2.0, 4.0]).enumerate() {
        assert!((most / 2.0..=most + 0.01).contains(pause), "{n}: {pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_how_long_to_wait_is_left_alone_for_so_long() {
    let (_keep, mut ending) = watch::channel(false);
    let (ended, at) = told(vec![later(Some(600)), Answer::Told], &mut ending).await;
    assert_eq!(ended, Ended::Told);
    assert!((600.0..601.0).contains(&at[1]), "{at:?}");
    // Longer than anybody waits: it is not tried again, and the queue goes on.
    for longer in [86_400, u64::MAX] {
        let (ended, at) = told(vec![later(Some(longer))], &mut ending).await;
        assert!(matches!(ended, Ended::NotTold { result: "given_up", .. }) && at.len() == 1, "{ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_given_up_within_the_hour() {
    let (_keep, mut ending) = watch::channel(false);
    let (ended, at) = told(vec![later(None)], &mut ending).await;
    assert!(
        matches!(&ended, Ended::NotTold { result: "given_up", why, .. } if why.contains("60 minutes: busy")),
        "{ended:?}"
    );
    assert!((60..140).contains(&at.len()), "{} attempts", at.len());
    assert!((3500.0..3600.0).contains(at.last().unwrap()), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_thrice() {
    let (_keep, mut ending) = watch::channel(false);
    let (ended, at) = told(vec![refused()], &mut ending).await;
    assert_eq!(ended, Ended::NotTold { result: "refused", why: "no".to_owned(), hint: Some("do") });
    assert_eq!(at.len(), 3);
    assert_eq!(told(vec![refused(), refused(), Answer::Told], &mut ending).await.0, Ended::Told);
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_no_pause() {
    let (end, mut ending) = watch::channel(false);
    let begun = Instant::now();
    let cut = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        end.send_replace(true);
    };
    let ((ended, at), ()) = tokio::join!(told(vec![later(Some(1000))], &mut ending), cut);
    assert_eq!((ended, at.len()), (Ended::Cut, 1));
    assert_eq!(begun.elapsed().as_secs(), 5);
    // Once it has begun each is tried once.
    assert_eq!(told(vec![later(None)], &mut ending).await.1.len(), 1);
    assert_eq!(told(vec![Answer::Told], &mut ending).await.0, Ended::Told);
}

#[tokio::test]
async fn a_queue_has_an_end_and_the_oldest_goes_first() {
    let config = json!({ "kind": "github", "repository": "o/r", "token_file": "t" });
    let queue = Queue::new(Receiver::new(serde_json::from_value(config).unwrap()));
    let message = |n: usize| Message {
        subject: String::new(),
        stack: None,
        revision: n.to_string(),
        source: String::new(),
        branch: String::new(),
        outcome: Outcome::Success,
        state: "converged",
        reasons: Vec::new(),
        at: jiff::Timestamp::now(),
        nth: 0,
        then: None,
        queued: Instant::now(),
    };
    let lost: Vec<Message> = (0..MOST + 3).filter_map(|n| queue.push(message(n))).collect();
    assert_eq!(lost.iter().map(|lost| lost.revision.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
    assert_eq!(queue.len(), MOST);
    let (end, mut ending) = watch::channel(false);
    assert_eq!(queue.next(&mut ending).await.unwrap().revision, "3");
    end.send_replace(true);
    let mut left = 0;
    while queue.next(&mut ending).await.is_some() {
        left += 1;
    }
    assert_eq!(left, MOST - 1, "what waits is not forgotten at the end");
}
