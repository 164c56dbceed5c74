//! Which live objects name which: what has to move or go before something can go, and the graph of what is live.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::doc::{self, LINK};
use crate::kind::Kinds;
use crate::live::LiveDoc;
use crate::plan::edges::Drop;
use crate::plan::graph::Graph;

/// Which live objects name those that are to go.
pub(super) struct Uses<'a>(pub(super) Vec<Use<'a>>);

pub(super) struct Use<'a> {
    pub(super) user: &'a LiveDoc,
    pub(super) user_drop: Option<usize>,
    pub(super) path: String,
    pub(super) target: usize,
    /// It names it without a link: see [`crate::kind::Kind::mentions`].
    pub(super) mentioned: bool,
}

/// Something that a live object names.
struct Named {
    path: String,
    /// Kind and field, and the value.
    name: (String, String),
    mentioned: bool,
}

impl<'a> Uses<'a> {
    pub(super) fn find(drops: &[Drop<'_>], all: &[&'a LiveDoc], kinds: &Kinds) -> Self {
        let mut targets: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut dropped: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (index, drop) in drops.iter().enumerate() {
            dropped.insert((&drop.live.kind, &drop.live.id), index);
            targets.extend(names_of(drop.live).into_iter().map(|name| (name, index)));
        }
        let mut uses = Vec::new();
        for user in all {
            let user_drop = dropped.get(&(user.kind.as_str(), user.id.as_str())).copied();
            for Named { path, name, mentioned } in named_by(user, kinds) {
                if let Some(target) = targets.get(&name).copied().filter(|target| Some(*target) != user_drop) {
                    uses.push(Use { user, user_drop, path, target, mentioned });
                }
            }
        }
        Self(uses)
    }

    /// Those that name each other in a circle, or are named by such.
    pub(super) fn circular(&self, count: usize) -> BTreeSet<usize> {
        let mut left: BTreeSet<usize> = (0..count).collect();
        loop {
            let free: Vec<usize> = left
                .iter()
                .filter(|target| {
                    !self.0.iter().any(|one| one.target == **target && one.user_drop.is_some_and(|u| left.contains(&u)))
                })
                .copied()
                .collect();
            if free.is_empty() {
                return left;
            }
            for index in free {
                left.remove(&index);
            }
        }
    }
}

/// What others may call it: each text of its `out`, with kind and field.
fn names_of(live: &LiveDoc) -> Vec<(String, String)> {
    let out = live.out.value();
    let fields = out.as_object().into_iter().flatten();
    fields.filter_map(|(field, value)| Some((format!("{}.{field}", live.kind), value.as_str()?.to_owned()))).collect()
}

/// What it names: by its links, and by what its kind says of texts without one.
fn named_by(live: &LiveDoc, kinds: &Kinds) -> Vec<Named> {
    let mut found = Vec::new();
    let spec = live.spec.value();
    doc::visit(&spec, "", &mut |path, map| {
        if let (Some(link), Some(value)) = (map.get(LINK).and_then(Value::as_str), map.get("value")) {
            let name = (link.to_owned(), value.as_str().unwrap_or_default().to_owned());
            found.push(Named { path: path.to_owned(), name, mentioned: false });
        }
    });
    let mentions = kinds.get(&live.kind).map(|kind| (kind.mentions)(&spec, &live.out)).unwrap_or_default();
    found.extend(mentions.into_iter().map(|mention| Named {
        path: mention.path,
        name: (mention.target, mention.value),
        mentioned: true,
    }));
    found
}

/// The graph of what is live: links mapped back to addresses by kind, field and value.
pub(super) fn live_graph(all: &[&LiveDoc], kinds: &Kinds) -> Graph {
    let owner = |live: &LiveDoc| match &live.owner {
        crate::live::Owner::Stack(mark) => Some(mark.address.clone()),
        crate::live::Owner::Nobody => None,
    };
    let mut addresses = BTreeMap::new();
    for live in all {
        if let Some(address) = owner(live) {
            addresses.extend(names_of(live).into_iter().map(|name| (name, address.clone())));
        }
    }
    let mut graph = Graph::default();
    for live in all {
        let Some(address) = owner(live) else { continue };
        let edges = named_by(live, kinds).into_iter().filter_map(|Named { path, name, .. }| {
            let to = addresses.get(&name)?.clone();
            let field = name.0.rsplit('.').next().unwrap_or_default().to_owned();
            Some(doc::Edge { path, to, field })
        });
        graph.add(&address, edges.collect());
    }
    graph
}
