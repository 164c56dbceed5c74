//! Two `agent run` on one repository, over one emulated AWS. One of them is stopped (SIGSTOP) in the middle of whatever it does, for
//! longer than its lease, while the other is given a further revision to apply; then it goes on. Nothing is made twice, and no two
//! changing calls of different agents are under way at once, by the record of what reached the emulator.
//!
//! A lease is two minutes, so the seeds run beside each other. `AGENT_SEEDS=20` for the long run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bench::emulator::Emulator;
use crate::bench::fault::What;
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::record::{Call, Outcome};
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::bench::wire::Wire;

/// A bit longer than a lease.
const STOPPED: Duration = Duration::from_secs(130);
/// What docs/reliability.md promises: how long after the lease of an agent that died its stack is looked at.
const TAKEOVER: Duration = Duration::from_secs(120 + 5);
/// What a look takes here, where calls are slow and the processors busy.
const A_LOOK: Duration = Duration::from_secs(8);
/// How long the other may take.
const PATIENCE: Duration = Duration::from_mins(6);

/// A repository, and AWS that records who called.
struct Place {
    stack: String,
    folder: tempfile::TempDir,
    wire: Arc<Wire>,
    proxy: Proxy,
}

impl Place {
    fn new(stack: &str, seed: u64) -> Self {
        let wire = Wire::new(Emulator::shared());
        // So that a pass takes seconds, and there is something to be stopped in.
        wire.plan_by(move |head| {
            Some(What::Delay(Duration::from_millis(20 + (head.nth as u64 * 37 + seed * 53) % 160)))
        });
        let (folder, proxy) = (tempfile::tempdir().unwrap(), Proxy::start(&wire).unwrap());
        Self { stack: stack.to_owned(), folder, wire, proxy }
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("manifests")
    }

    fn commit(&self, value: &str) -> String {
        let mut text = format!(
            "[stack]\nname = \"{}\"\naccount = \"123456789012\"\nregion = \"sa-east-1\"\n\n[network.main]\ncidr = \"10.20.0.0/16\"\nzones = 2\ntiers = [\"private\"]\nendpoints = []\n",
            self.stack
        );
        for n in 0..6 {
            let more = format!("\n[parameter.p{n}]\nvalue = \"{value}\"\n");
            text.push_str(&more);
        }
        commit_to(&self.repository(), "main", &[("stack.toml".to_owned(), text)].into())
    }

    fn agent(&self, name: &str) -> Running {
        let config = self.folder.path().join(format!("{name}.toml"));
        let (url, cache) = (self.repository(), self.folder.path().join(name));
        let text = format!(
            "cache = \"{}\"\n[source]\nurl = \"{}\"\ninterval = \"1s\"\n[reconcile]\ndrift = \"10s\"\n",
            cache.display(),
            url.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut env = self.proxy.env();
        // It stands in the header `user-agent` of each call.
        env.insert("AWS_SDK_UA_APP_ID".to_owned(), name.to_owned());
        Running::start(&config, &env)
    }

    fn changes(&self) -> Vec<Call> {
        let is_lease = |call: &Call| call.body().contains(&format!("/gitops-agent/{}/lease", self.stack));
        let all = self.wire.calls().into_iter();
        all.filter(|call| call.name.kind == Kind::Mutating && !is_lease(call)).collect()
    }

    /// How many of each the emulator has made.
    fn made(&self) -> BTreeMap<String, usize> {
        let mut made = BTreeMap::new();
        for call in self.changes() {
            if call.name.action.starts_with("Create") && call.outcome == Outcome::Answered(200) {
                *made.entry(call.label()).or_default() += 1;
            }
        }
        made
    }
}

fn who(call: &Call) -> &'static str {
    let said = call.request.header("user-agent").unwrap_or_default();
    match (said.contains("app/first"), said.contains("app/second")) {
        (true, false) => "first",
        (false, true) => "second",
        _ => panic!("who sent {said:?}?"),
    }
}

fn converged(agent: &Running, mark: usize, stack: &str, revision: &str) {
    let until = Instant::now() + PATIENCE;
    let is_it = |line: &String| [" converged", stack, &revision[..7]].iter().all(|word| line.contains(word));
    while !agent.lines(mark).iter().any(is_it) {
        assert!(Instant::now() < until, "{stack} has not converged at {revision}:\n{}", agent.lines(0).join("\n"));
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Changing calls of different agents that were under way at once.
fn overlaps(changes: &[Call]) -> Vec<String> {
    let ends = |call: &Call| call.ended.unwrap_or(u64::MAX);
    let mut found = Vec::new();
    for (n, one) in changes.iter().enumerate() {
        for other in changes[n + 1..].iter().filter(|other| who(other) != who(one)) {
            if one.started < ends(other) && other.started < ends(one) {
                found.push(format!("{} {} and {} {}", who(one), one.label(), who(other), other.label()));
            }
        }
    }
    found
}

/// What one agent alone makes.
fn alone() -> BTreeMap<String, usize> {
    let place = Place::new("two-alone", 0);
    let revision = place.commit("one");
    let agent = place.agent("first");
    converged(&agent, 0, &place.stack, &revision);
    place.made()
}

/// Plays a seed; how many calls were sent by each, and whether the one that was stopped had to hand over.
fn play(seed: u64, alone: &BTreeMap<String, usize>) -> (usize, usize, bool) {
    let place = Place::new(&format!("two-{seed}"), seed);
    let first = place.commit("one");
    let agents = [place.agent("first"), place.agent("second")];
    // In the middle of the work: after so many changing calls, the lease's own among them.
    let many = 1 + seed.wrapping_mul(2_654_435_761) % 20;
    let begun = Instant::now();
    while place.changes().len() < usize::try_from(many).unwrap() && begun.elapsed() < PATIENCE {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    // The one that works, or the one that waits for it.
    let at_work = usize::from(place.changes().last().is_some_and(|call| who(call) == "second"));
    let which = if seed.is_multiple_of(2) { at_work } else { 1 - at_work };
    let (stopped, other) = (&agents[which], &agents[1 - which]);
    stopped.signal("STOP");
    let since = Instant::now();
    converged(other, 0, &place.stack, &first);
    let mark = [stopped.mark(), other.mark()];
    let second = place.commit("two");
    converged(other, mark[1], &place.stack, &second);
    std::thread::sleep(STOPPED.saturating_sub(since.elapsed()));
    stopped.signal("CONT");
    converged(stopped, mark[0], &place.stack, &second);
    converged(other, mark[1], &place.stack, &second);
    let changes = place.changes();
    assert_eq!(overlaps(&changes), [] as [&str; 0], "seed {seed}");
    assert_eq!(place.made(), *alone, "seed {seed}: something was made twice");
    let by = |name: &str| changes.iter().filter(|call| who(call) == name).count();
    let told = (by("first"), by("second"), by("first") > 0 && by("second") > 0);
    for agent in agents {
        assert!(agent.stop().0.success());
    }
    told
}

#[test]
fn of_two_agents_one_of_which_is_stopped_past_its_lease_one_changes_at_a_time() {
    let seeds = std::env::var("AGENT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    let alone = alone();
    let told: Vec<(usize, usize, bool)> = std::thread::scope(|scope| {
        let alone = &alone;
        let playing: Vec<_> = (0..seeds).map(|seed| scope.spawn(move || play(seed, alone))).collect();
        playing.into_iter().map(|seed| seed.join().unwrap()).collect()
    });
    let handed_over = told.iter().filter(|(.., both)| *both).count();
    crate::bench::say(&format!("{seeds} seeds, {handed_over} with changes of both: {told:?}"));
    assert!(handed_over > 0, "{told:?}");
}

#[test]
fn the_stack_of_an_agent_that_was_killed_is_taken_over_when_its_lease_is_over() {
    let place = Place::new("two-killed", 3);
    let revision = place.commit("one");
    let wait_for = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    };
    let first = place.agent("first");
    wait_for("it is in the middle", &|| place.changes().len() > 5);
    first.signal("KILL");
    let killed = Instant::now();
    let second = place.agent("second");
    wait_for("it is taken over", &|| place.changes().iter().any(|call| who(call) == "second"));
    let took = killed.elapsed();
    crate::bench::say(&format!("a stack was taken over {took:?} after its agent was killed"));
    assert!(took < TAKEOVER + A_LOOK, "{took:?}");
    converged(&second, 0, &place.stack, &revision);
    // Nothing failed: it was the turn of the other one.
    let lines = second.lines(0);
    assert!(lines.iter().any(|line| line.contains("INFO") && line.contains("works on this stack")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("ERROR") || line.contains("WARN")), "{lines:#?}");
}
