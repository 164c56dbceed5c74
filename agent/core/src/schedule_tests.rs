//! What is begun when: each test tells the schedule what happens and asks what it would do.

use super::*;

fn stack(name: &str, digest: &str, needs: &[&str]) -> Offered {
    Offered {
        name: name.into(),
        digest: digest.into(),
        needs: needs.iter().map(|n| (*n).to_owned()).collect(),
        is_sound: true,
    }
}

fn schedule() -> (Schedule, Instant) {
    (Schedule::new(Rhythm::default(), 7), Instant::now())
}

/// All that can be begun now.
fn begun(schedule: &mut Schedule, now: Instant) -> Vec<(String, Trigger)> {
    std::iter::from_fn(|| schedule.begin(now)).collect()
}

fn names(begun: &[(String, Trigger)]) -> Vec<&str> {
    begun.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_commit_begins_the_stacks_that_it_changes_and_no_others() {
    let (mut s, now) = schedule();
    assert_eq!(s.offer(0, vec![stack("a", "1", &[]), stack("b", "1", &[])], now), [""; 0]);
    assert_eq!(begun(&mut s, now), [("a".into(), Trigger::Revision), ("b".into(), Trigger::Revision)]);
    s.ended("a", How::Converged, true, now);
    s.ended("b", How::Converged, true, now);
    s.offer(0, vec![stack("a", "1", &[]), stack("b", "2", &[])], now);
    assert_eq!(begun(&mut s, now), [("b".into(), Trigger::Revision)]);
}

#[test]
fn any_commit_is_another_try_for_a_stack_that_failed() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("a", "1", &[])], now);
    s.begin(now);
    s.ended("a", How::Failed, false, now);
    assert_eq!(s.begin(now + Duration::from_mins(1)), None, "one attempt for one revision");
    s.offer(0, vec![stack("a", "1", &[])], now);
    assert_eq!(s.begin(now), Some(("a".into(), Trigger::Revision)));
}

#[test]
fn a_newer_revision_ends_a_pass_early_only_if_it_changes_the_stack_and_is_begun_when_that_has_ended() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("a", "1", &[])], now);
    s.begin(now);
    assert_eq!(s.offer(0, vec![stack("a", "1", &[])], now), [""; 0]);
    assert_eq!(s.offer(0, vec![stack("a", "2", &[])], now), ["a"]);
    assert_eq!(s.begin(now), None, "one pass at a time");
    s.ended("a", How::Progressing, true, now);
    assert_eq!(s.begin(now), Some(("a".into(), Trigger::Revision)));
    s.ended("a", How::Converged, true, now);
    assert_eq!(s.begin(now + Duration::from_mins(1)), None, "what was done is not done again");
}

#[test]
fn a_stack_that_another_source_has_now_is_not_taken_away_by_the_one_before() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("a", "1", &[]), stack("b", "1", &[])], now);
    begun(&mut s, now);
    // It moves from one to the other while a pass over it is under way.
    s.offer(0, vec![stack("b", "1", &[])], now);
    s.offer(1, vec![stack("a", "2", &[])], now);
    s.offer(0, vec![stack("b", "2", &[])], now);
    s.ended("a", How::Converged, true, now);
    assert_eq!(s.begin(now), Some(("a".into(), Trigger::Revision)));
}

#[test]
fn a_stack_comes_after_those_that_it_refers_to_and_not_while_they_fail() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("app", "1", &["net"]), stack("net", "1", &[]), stack("other", "1", &[])], now);
    assert_eq!(names(&begun(&mut s, now)), ["net", "other"]);
    assert_eq!(s.blocked().collect::<Vec<_>>(), [("app", "net")]);
    s.ended("net", How::FailedForNow, true, now);
    assert_eq!(s.begin(now), None);
    let later = s.wake().unwrap();
    assert_eq!(s.begin(later), Some(("net".into(), Trigger::Retry)));
    s.ended("net", How::Progressing, true, later);
    assert_eq!(s.begin(later), Some(("app".into(), Trigger::Revision)));
    s.ended("app", How::Converged, true, later);
    // Once it is there, it is kept as it should be whatever becomes of the other.
    s.offer(0, vec![stack("app", "1", &["net"]), stack("net", "2", &[]), stack("other", "1", &[])], later);
    assert_eq!(s.begin(later), Some(("net".into(), Trigger::Revision)));
    s.ended("net", How::Failed, false, later);
    s.ended("other", How::Converged, false, later);
    let due = begun(&mut s, later + Duration::from_mins(12));
    assert!(due.contains(&("app".into(), Trigger::Drift)), "{due:?}");
}

#[test]
fn what_changed_is_looked_at_by_those_that_refer_to_it() {
    let (mut s, now) = schedule();
    let both = || vec![stack("app", "1", &["net"]), stack("net", "1", &[])];
    s.offer(0, both(), now);
    for _ in 0..2 {
        let (name, _) = s.begin(now).unwrap();
        s.ended(&name, How::Converged, name == "net", now);
    }
    let later = now + Duration::from_mins(12);
    for changed in [false, true] {
        let due = begun(&mut s, later);
        s.ended("app", How::Converged, false, later);
        s.ended("net", How::Converged, changed, later);
        assert!(due.len() <= 2, "{due:?}");
    }
    assert_eq!(s.begin(later), Some(("app".into(), Trigger::Neighbour)));
}

#[test]
fn pauses_grow_up_to_a_limit_and_begin_anew_when_something_moves() {
    let (mut s, mut now) = schedule();
    s.offer(0, vec![stack("a", "1", &[])], now);
    let mut pauses = Vec::new();
    for n in 0..12 {
        assert!(s.begin(now).is_some());
        s.ended("a", How::FailedForNow, n == 9, now);
        let next = s.wake().unwrap();
        pauses.push((next - now).as_secs_f32());
        now = next;
    }
    let near = |got: f32, wanted: f32| (got / wanted - 1.0).abs() <= 0.1001;
    for (got, wanted) in pauses.iter().zip([5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0, 5.0, 10.0]) {
        assert!(near(*got, wanted), "{pauses:?}");
    }
}

#[test]
fn no_more_than_so_many_at_once_and_the_longest_waiting_first() {
    let now = Instant::now();
    let mut s = Schedule::new(Rhythm { at_once: 2, ..Rhythm::default() }, 1);
    s.offer(0, ["a", "b", "c"].map(|name| stack(name, "1", &[])).into(), now);
    assert_eq!(names(&begun(&mut s, now)), ["a", "b"]);
    assert_eq!(s.wake(), None);
    s.ended("b", How::Converged, false, now);
    s.offer(
        0,
        ["a", "b", "c"].map(|name| stack(name, if name == "b" { "2" } else { "1" }, &[])).into(),
        now + Duration::from_secs(1),
    );
    assert_eq!(names(&begun(&mut s, now + Duration::from_secs(1))), ["c"]);
}

#[test]
fn a_stack_that_is_gone_has_no_further_pass_and_comes_back_as_new() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("a", "1", &[])], now);
    s.begin(now);
    assert_eq!(s.offer(0, Vec::new(), now), ["a"]);
    s.ended("a", How::Converged, true, now);
    assert_eq!(s.wake(), None);
    s.offer(0, vec![stack("a", "1", &[])], now);
    assert_eq!(s.begin(now), Some(("a".into(), Trigger::Revision)));
}

#[test]
fn a_manifest_with_problems_is_left_as_it_is_and_those_that_refer_to_it_wait() {
    let (mut s, now) = schedule();
    let broken = Offered { is_sound: false, ..stack("net", "?", &[]) };
    s.offer(0, vec![stack("app", "1", &["net"]), broken], now);
    assert_eq!(s.begin(now), None);
    assert_eq!(s.wake(), None);
    s.offer(0, vec![stack("app", "1", &["net"]), stack("net", "1", &[])], now);
    assert_eq!(names(&begun(&mut s, now)), ["net"]);
    s.ended("net", How::Converged, true, now);
    assert_eq!(names(&begun(&mut s, now)), ["app"]);
}

#[test]
fn a_revision_of_one_source_is_nothing_to_the_stacks_of_another() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("a", "1", &[])], now);
    s.offer(1, vec![stack("b", "1", &[])], now);
    assert_eq!(names(&begun(&mut s, now)), ["a", "b"]);
    assert_eq!(s.offer(1, Vec::new(), now), ["b"], "a goes on");
}

#[test]
fn a_suspended_stack_is_asked_about_each_minute_and_those_that_refer_to_it_wait() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("app", "1", &["net"]), stack("net", "1", &[])], now);
    assert_eq!(names(&begun(&mut s, now)), ["net"]);
    s.ended("net", How::Suspended, false, now);
    assert_eq!(s.blocked().collect::<Vec<_>>(), [("app", "net")]);
    for _ in 0..5 {
        let at = s.wake().unwrap();
        assert!(at <= now + Duration::from_secs(66 * 5), "it does not become more seldom");
        assert_eq!(names(&begun(&mut s, at)), ["net"]);
        s.ended("net", How::Suspended, false, at);
    }
    let at = s.wake().unwrap();
    s.begin(at);
    s.ended("net", How::Converged, true, at);
    assert_eq!(names(&begun(&mut s, at)), ["app"]);
}

#[test]
fn a_stack_that_another_agent_works_on_is_looked_at_when_its_lease_can_have_expired_whatever_was_before() {
    let (mut s, now) = schedule();
    s.offer(0, vec![stack("a", "1", &[]), stack("app", "1", &["a"])], now);
    assert_eq!(names(&begun(&mut s, now)), ["a"]);
    let (mut at, takeover) = (now, Rhythm::default().takeover);
    for _ in 0..20 {
        // Its holder claimed it again, most recently just now.
        let ends = at + Duration::from_mins(2);
        s.ended("a", How::Held, false, at);
        s.expires("a", ends);
        at = s.wake().unwrap();
        assert!(at <= ends + takeover, "{:?} after that", at - ends);
        assert_eq!(begun(&mut s, at), [("a".into(), Trigger::Lease)]);
    }
    assert!(at > now + Duration::from_mins(30), "and not more often for long");
    // Nobody is told to begin early what is no longer about the lease.
    s.ended("a", How::Converged, false, at);
    s.expires("a", at);
    assert_eq!(names(&begun(&mut s, at)), ["app"]);
}
