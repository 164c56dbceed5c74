//! The stack's own words in the faked cloud.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::faults::{Op, STATE};
use super::{Fake, World};
use crate::fault::Fault;
use crate::state::{Entry, Store};

impl World {
    /// Milliseconds since the first call, by the clock that tests move.
    fn now(&mut self) -> i64 {
        let began = *self.began.get_or_insert_with(Instant::now);
        i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Store for Fake {
    fn all<'a>(&'a self, stack: &'a str) -> BoxFuture<'a, Result<BTreeMap<String, Entry>, Fault>> {
        async move {
            let effect = self.enter(STATE, Op::List, stack).await?;
            let prefix = format!("{stack}/");
            let answer = self
                .world()
                .entries
                .iter()
                .filter_map(|(name, versions)| Some((name.strip_prefix(&prefix)?.to_owned(), versions.last()?.clone())))
                .collect();
            Self::leave(STATE, Op::List, &effect, Ok(answer))
        }
        .boxed()
    }

    fn put<'a>(&'a self, stack: &'a str, name: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let effect = self.enter(STATE, Op::Update, name).await?;
            {
                let mut world = self.world();
                let entry = Entry { value: value.into(), at: world.now() };
                world.entries.entry(format!("{stack}/{name}")).or_default().push(entry);
            }
            Self::leave(STATE, Op::Update, &effect, Ok(()))
        }
        .boxed()
    }

    fn history<'a>(&'a self, stack: &'a str, name: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Fault>> {
        async move {
            let effect = self.enter(STATE, Op::Find, name).await?;
            let answer = self.world().entries.get(&format!("{stack}/{name}")).cloned().unwrap_or_default();
            Self::leave(STATE, Op::Find, &effect, Ok(answer))
        }
        .boxed()
    }

    fn stacks(&self) -> BoxFuture<'_, Result<BTreeMap<String, Entry>, Fault>> {
        async move {
            let effect = self.enter(STATE, Op::List, "").await?;
            let world = self.world();
            let last = |(name, versions): (&String, &Vec<Entry>)| {
                Some((name.strip_suffix("/last")?.to_owned(), versions.last()?.clone()))
            };
            Self::leave(STATE, Op::List, &effect, Ok(world.entries.iter().filter_map(last).collect()))
        }
        .boxed()
    }

    fn delete<'a>(&'a self, stack: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let effect = self.enter(STATE, Op::Delete, name).await?;
            self.world().entries.remove(&format!("{stack}/{name}"));
            Self::leave(STATE, Op::Delete, &effect, Ok(()))
        }
        .boxed()
    }
}
