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
    pub(super) fn now(&mut self) -> i64 {
        let began = *self.began.get_or_insert_with(Instant::now);
        i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Store for Fake {
    fn all<'a>(&'a self, stack: &'a str) -> BoxFuture<'a, Result<BTreeMap<String, Entry>, Fault>> {
        let prefix = format!("{stack}/");
        let newest = move |world: &mut World| {
            let of_stack = world.entries.iter();
            let named = of_stack.filter_map(|(name, versions)| {
                Some((name.strip_prefix(&prefix)?.to_owned(), versions.last()?.clone()))
            });
            Ok(named.collect())
        };
        self.call(STATE, Op::List, stack, newest).boxed()
    }

    fn put<'a>(&'a self, stack: &'a str, name: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        let (key, value) = (format!("{stack}/{name}"), value.to_owned());
        let put = move |world: &mut World| {
            let entry = Entry { value, at: world.now() };
            world.entries.entry(key).or_default().push(entry);
            Ok(())
        };
        self.call(STATE, Op::Update, name, put).boxed()
    }

    fn put_new<'a>(&'a self, stack: &'a str, name: &'a str, value: &'a str) -> BoxFuture<'a, Result<bool, Fault>> {
        let (key, value) = (format!("{stack}/{name}"), value.to_owned());
        let put = move |world: &mut World| {
            let entry = Entry { value, at: world.now() };
            let is_new = !world.entries.contains_key(&key);
            if is_new {
                world.entries.insert(key, vec![entry]);
            }
            Ok(is_new)
        };
        self.call(STATE, Op::Create, name, put).boxed()
    }

    fn history<'a>(&'a self, stack: &'a str, name: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Fault>> {
        let key = format!("{stack}/{name}");
        let versions = move |world: &mut World| Ok(world.entries.get(&key).cloned().unwrap_or_default());
        self.call(STATE, Op::Find, name, versions).boxed()
    }

    fn stacks(&self) -> BoxFuture<'_, Result<BTreeMap<String, Entry>, Fault>> {
        let last = |world: &mut World| {
            let last = |(name, versions): (&String, &Vec<Entry>)| {
                Some((name.strip_suffix("/last")?.to_owned(), versions.last()?.clone()))
            };
            Ok(world.entries.iter().filter_map(last).collect())
        };
        self.call(STATE, Op::List, "", last).boxed()
    }

    fn delete<'a>(&'a self, stack: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        let key = format!("{stack}/{name}");
        let delete = move |world: &mut World| {
            world.entries.remove(&key);
            Ok(())
        };
        self.call(STATE, Op::Delete, name, delete).boxed()
    }
}
