//! What goes wrong in the faked cloud, and when: at a call of a given number, or by a seeded chance.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::fault::Class;

/// The `kind` of calls to the stack's own words.
pub const STATE: &str = "state";

/// The operations of a door, and those of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Reads all of a stack.
    List,
    /// Reads one.
    Find,
    /// Makes one.
    Create,
    /// Changes one.
    Update,
    /// Deletes one.
    Delete,
    /// Asks why some are as they are.
    Explain,
}

impl Op {
    /// Whether it changes something.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::List | Self::Find | Self::Explain)
    }
}

/// What happens to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The process dies before the call is sent.
    CrashBefore,
    /// AWS carries it out, and the process dies before the answer.
    CrashAfter,
    /// The process dies once it has the answer, so that its next call is never sent.
    CrashAnswered,
    /// AWS carries it out; the answer is lost, and the process goes on.
    AnswerLost,
    /// AWS refuses it, having done nothing.
    Refused(Class),
}

/// When a fault happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At the call of this number, from 0.
    Call(usize),
    /// At the changing call of this number, from 1, the stack's own words included.
    Write(usize),
    /// At each call of this kind and operation, this many times.
    Each(String, Op, usize),
}

/// What a call meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing special.
    None,
    /// It is carried out, its answer lost.
    AnswerLost,
    /// It is refused.
    Refused(Class),
}

/// The faults to come.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Faults at given calls.
    pub plan: Vec<(When, What)>,
    /// Of 10,000 calls, how many are throttled.
    pub throttled: u32,
    /// Of 10,000 calls, how many lose their answer.
    pub lost: u32,
    /// The longest delay of a call.
    pub delay: Duration,
    /// How long an answer is on its way at most.
    pub answer: Duration,
    /// For how long at most a change is not seen by readers.
    pub stale: Duration,
    /// For how long things of these kinds are coming, or changing.
    pub slow: Vec<(String, Duration)>,
    /// For how long things of these kinds are going, once they are deleted.
    pub lingering: Vec<(String, Duration)>,
    /// Values that links may name although the faked cloud does not hold them.
    pub elsewhere: BTreeSet<String>,
    /// What chance is made from.
    pub seed: u64,
    /// Whether what there was is kept after each change.
    pub remembers: bool,
}

/// Whether the process that makes the calls still lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Life {
    /// It does.
    #[default]
    Alive,
    /// Its next call is never sent.
    Last,
    /// Nothing it would do happens.
    Dead,
}

impl Faults {
    /// One fault.
    pub fn one(when: When, what: What) -> Self {
        Self { plan: vec![(when, what)], ..Self::default() }
    }

    pub(super) fn at(&mut self, life: &mut Life, call: (&str, Op), number: usize, writes: usize) -> (Effect, Duration) {
        let (kind, op) = call;
        let pause = if self.delay.is_zero() { Duration::ZERO } else { self.delay.mul_f64(self.chance()) };
        if *life != Life::Alive {
            *life = Life::Dead;
            return (Effect::Refused(Class::Credentials), Duration::ZERO);
        }
        let hit = self.plan.iter_mut().find_map(|(when, what)| match when {
            When::Call(n) if *n == number => Some(what.clone()),
            When::Write(n) if op.is_write() && *n == writes => Some(what.clone()),
            When::Each(k, o, left) if k == kind && *o == op && *left > 0 => {
                *left -= 1;
                Some(what.clone())
            }
            _ => None,
        });
        let effect = match hit {
            Some(What::CrashBefore) => {
                *life = Life::Dead;
                Effect::Refused(Class::Credentials)
            }
            Some(What::CrashAfter) => {
                *life = Life::Last;
                Effect::AnswerLost
            }
            Some(What::CrashAnswered) => {
                *life = Life::Last;
                Effect::None
            }
            Some(What::AnswerLost) => Effect::AnswerLost,
            Some(What::Refused(class)) => Effect::Refused(class),
            None if self.happens(self.throttled) => Effect::Refused(Class::Throttled),
            None if self.happens(self.lost) => Effect::AnswerLost,
            None => Effect::None,
        };
        (effect, pause)
    }

    pub(super) fn answered_after(&mut self) -> Duration {
        if self.answer.is_zero() { Duration::ZERO } else { self.answer.mul_f64(self.chance()) }
    }

    pub(super) fn unseen(&mut self) -> Duration {
        if self.stale.is_zero() { Duration::ZERO } else { self.stale.mul_f64(self.chance()) }
    }

    pub(super) fn coming(&self, kind: &str) -> Duration {
        self.slow.iter().find(|(slow, _)| slow == kind).map_or(Duration::ZERO, |(_, time)| *time)
    }

    pub(super) fn going(&self, kind: &str) -> Duration {
        self.lingering.iter().find(|(slow, _)| slow == kind).map_or(Duration::ZERO, |(_, time)| *time)
    }

    fn happens(&mut self, of_ten_thousand: u32) -> bool {
        of_ten_thousand > 0 && self.chance() * 10_000.0 < f64::from(of_ten_thousand)
    }

    /// `SplitMix64`, in `0.0..1.0`: chance that a seed repeats.
    fn chance(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        f64::from(u32::try_from(z >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}
