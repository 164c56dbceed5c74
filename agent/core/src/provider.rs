//! How the engine reaches AWS: the typed trait that each kind's I/O half implements, its erased twin over documents,
//! and the table of them. Observe, create, update, delete and nothing more; no decision is taken here.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::address::Scope;
use crate::doc::{Doc, Misfit, path_matches};
use crate::fault::{Class, Fault};
use crate::health::Told;
use crate::kind::{Kind, KindInfo};
use crate::live::{Live, LiveDoc, Mark};

/// The I/O half of a kind.
pub trait Provider<K: Kind>: Send + Sync + 'static {
    /// All that the scope's stack owns of this kind, gone ones left out, in as few calls as AWS allows. Foreign ones
    /// may be among them: the engine looks at the owner. Must not change anything.
    fn list(&self, scope: &Scope, listing: &Listing<'_>) -> impl Future<Output = Result<Vec<Live<K>>, Fault>> + Send;

    /// One resource: by its id where it is known, else by its unique name, else by the mark's tags. Whoever owns it is
    /// told in the answer. `None` if it is not there (or not yet). Must not change anything.
    fn find(
        &self,
        scope: &Scope,
        sought: &Sought<'_, K>,
    ) -> impl Future<Output = Result<Option<Live<K>>, Fault>> + Send;

    /// Sends one creating call, with our tags in it, and gives the id. Whatever that call cannot carry is left to
    /// `update`. Must not look for an existing one: the engine did.
    fn create(&self, scope: &Scope, new: &New<'_, K>) -> impl Future<Output = Result<String, Fault>> + Send;

    /// Changes what differs, from any partial state, idempotently.
    fn update(&self, scope: &Scope, update: &Update<'_, K>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Deletes it (or starts to). Not there is success.
    fn delete(&self, scope: &Scope, live: &Live<K>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What AWS says of these, by id, beside what a list gives: why they are not in order. Only a status asks, and only about
    /// those that are not, or of which no list tells it ([`Kind::SILENT`]). Must not change anything.
    fn explain(
        &self,
        scope: &Scope,
        about: &[Live<K>],
    ) -> impl Future<Output = Result<BTreeMap<String, Told>, Fault>> + Send {
        let _ = (scope, about);
        std::future::ready(Ok(BTreeMap::new()))
    }
}

/// What `list` is given.
#[derive(Clone, Copy)]
pub struct Listing<'a> {
    /// Live resources of the kinds in [`Kind::PARENTS`].
    pub parents: &'a BTreeMap<String, Vec<LiveDoc>>,
    /// Ids that the manifest adopts: they carry no tag of ours yet.
    pub adopted: &'a [String],
    /// What kinds of one service have read together in this pass.
    pub reads: &'a Reads,
}

/// Answers of AWS that several kinds of one pass need: asked for once, by whoever comes first.
#[derive(Default)]
pub struct Reads(Mutex<BTreeMap<&'static str, Shared>>);

type Shared = Arc<dyn Any + Send + Sync>;

impl Reads {
    /// The answer of that name. A fault is not kept: the next one asks again.
    pub async fn once<T, F>(&self, name: &'static str, ask: impl FnOnce() -> F + Send) -> Result<Arc<T>, Fault>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(OnceCell::<Arc<T>>::new()) as Shared;
            Arc::clone(cells.entry(name).or_insert_with(new))
        };
        let Ok(cell) = cell.downcast::<OnceCell<Arc<T>>>() else {
            return Err(Fault::new(Class::Invalid, name, "Misfit", "two kinds read different things under one name"));
        };
        cell.get_or_try_init(|| async { Ok(Arc::new(ask().await?)) }).await.cloned()
    }
}

impl Listing<'_> {
    /// The live resources of a parent kind.
    pub fn of<P: Kind>(&self) -> Result<Vec<Live<P>>, Fault> {
        let docs = self.parents.get(P::NAME).map(Vec::as_slice).unwrap_or_default();
        docs.iter().map(Live::from_doc).collect::<Result<_, _>>().map_err(|misfit| misfit_fault(P::NAME, &misfit))
    }
}

/// What `find` is given.
pub struct Sought<'a, K: Kind> {
    /// AWS's id, if it is known.
    pub id: Option<&'a str>,
    /// The mark it would carry.
    pub mark: &'a Mark,
    /// The wanted spec with its references resolved, for its unique name.
    pub spec: &'a K::Spec,
}

/// What `create` is given.
pub struct New<'a, K: Kind> {
    /// The wanted spec, resolved.
    pub spec: &'a K::Spec,
    /// Stack, address and generation, for the tags.
    pub mark: &'a Mark,
    /// A client token of 32 hex digits: the same for the same address and spec within a pass.
    pub token: &'a str,
}

/// What `update` is given.
pub struct Update<'a, K: Kind> {
    /// What AWS holds.
    pub live: &'a Live<K>,
    /// The wanted spec, resolved.
    pub to: &'a K::Spec,
    /// What differs.
    pub changed: &'a Changed,
    /// Stack, address and generation, for the tags.
    pub mark: &'a Mark,
}

/// The paths in which a live resource differs from the wanted one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Paths into the spec.
    pub paths: Vec<String>,
    /// Our own tags differ (adopted, renamed, or a generation told anew).
    pub mark: bool,
}

impl Changed {
    /// Whether anything at, above or below `path` differs; `*` is any key.
    pub fn touches(&self, path: &str) -> bool {
        self.paths.iter().any(|changed| path_matches(path, changed) || path_matches(changed, path))
    }

    /// Whether tags must be written: the manifest's under `tags`, or our own.
    pub fn tags(&self) -> bool {
        self.mark || self.touches("tags")
    }
}

/// The erased twin of [`Provider`], over documents.
pub trait Door: Send + Sync {
    /// See [`Provider::list`].
    fn list<'a>(&'a self, scope: &'a Scope, listing: Listing<'a>) -> BoxFuture<'a, Result<Vec<LiveDoc>, Fault>>;
    /// See [`Provider::find`].
    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: Option<&'a str>,
        mark: &'a Mark,
        spec: &'a Doc,
    ) -> BoxFuture<'a, Result<Option<LiveDoc>, Fault>>;
    /// See [`Provider::create`].
    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        spec: &'a Doc,
        mark: &'a Mark,
        token: &'a str,
    ) -> BoxFuture<'a, Result<String, Fault>>;
    /// See [`Provider::update`].
    fn update<'a>(
        &'a self,
        scope: &'a Scope,
        live: &'a LiveDoc,
        to: &'a Doc,
        changed: &'a Changed,
        mark: &'a Mark,
    ) -> BoxFuture<'a, Result<(), Fault>>;
    /// See [`Provider::delete`].
    fn delete<'a>(&'a self, scope: &'a Scope, live: &'a LiveDoc) -> BoxFuture<'a, Result<(), Fault>>;
    /// See [`Provider::explain`].
    fn explain<'a>(
        &'a self,
        scope: &'a Scope,
        about: &'a [LiveDoc],
    ) -> BoxFuture<'a, Result<BTreeMap<String, Told>, Fault>>;
}

struct Erased<K: Kind, P> {
    provider: Arc<P>,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Kind, P: Provider<K>> Door for Erased<K, P> {
    fn list<'a>(&'a self, scope: &'a Scope, listing: Listing<'a>) -> BoxFuture<'a, Result<Vec<LiveDoc>, Fault>> {
        async move {
            let live = self.provider.list(scope, &listing).await?;
            live.iter().map(Live::to_doc).collect::<Result<_, _>>().map_err(|m| misfit_fault(K::NAME, &m))
        }
        .boxed()
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: Option<&'a str>,
        mark: &'a Mark,
        spec: &'a Doc,
    ) -> BoxFuture<'a, Result<Option<LiveDoc>, Fault>> {
        async move {
            let spec = typed::<K>(spec)?;
            let live = self.provider.find(scope, &Sought { id, mark, spec: &spec }).await?;
            live.as_ref().map(Live::to_doc).transpose().map_err(|m| misfit_fault(K::NAME, &m))
        }
        .boxed()
    }

    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        spec: &'a Doc,
        mark: &'a Mark,
        token: &'a str,
    ) -> BoxFuture<'a, Result<String, Fault>> {
        async move {
            let spec = typed::<K>(spec)?;
            self.provider.create(scope, &New { spec: &spec, mark, token }).await
        }
        .boxed()
    }

    fn update<'a>(
        &'a self,
        scope: &'a Scope,
        live: &'a LiveDoc,
        to: &'a Doc,
        changed: &'a Changed,
        mark: &'a Mark,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let live = Live::from_doc(live).map_err(|m| misfit_fault(K::NAME, &m))?;
            let to = typed::<K>(to)?;
            self.provider.update(scope, &Update { live: &live, to: &to, changed, mark }).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, scope: &'a Scope, live: &'a LiveDoc) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let live = Live::from_doc(live).map_err(|m| misfit_fault(K::NAME, &m))?;
            self.provider.delete(scope, &live).await
        }
        .boxed()
    }

    fn explain<'a>(
        &'a self,
        scope: &'a Scope,
        about: &'a [LiveDoc],
    ) -> BoxFuture<'a, Result<BTreeMap<String, Told>, Fault>> {
        async move {
            let about: Vec<Live<K>> = about
                .iter()
                .map(Live::from_doc)
                .collect::<Result<_, _>>()
                .map_err(|misfit| misfit_fault(K::NAME, &misfit))?;
            self.provider.explain(scope, &about).await
        }
        .boxed()
    }
}

fn typed<K: Kind>(doc: &Doc) -> Result<K::Spec, Fault> {
    doc.typed().map_err(|misfit| misfit_fault(K::NAME, &misfit))
}

fn misfit_fault(kind: &str, misfit: &Misfit) -> Fault {
    let cause = std::error::Error::source(misfit).map(ToString::to_string).unwrap_or_default();
    Fault::new(Class::Invalid, kind, "Misfit", format!("{misfit}: {cause}"))
}

/// A cloud: the kinds, and a door to each.
#[derive(Clone, Default)]
pub struct Cloud {
    kinds: BTreeMap<&'static str, (KindInfo, Arc<dyn Door>)>,
}

impl Cloud {
    /// A cloud without kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// This cloud with one kind more.
    pub fn with<K: Kind, P: Provider<K>>(mut self, provider: &Arc<P>) -> Self {
        let door = Erased::<K, P> { provider: Arc::clone(provider), kind: std::marker::PhantomData };
        self.kinds.insert(K::NAME, (KindInfo::of::<K>(), Arc::new(door)));
        self
    }

    /// The door of a kind.
    pub fn door(&self, kind: &str) -> Result<&Arc<dyn Door>, Fault> {
        self.kinds
            .get(kind)
            .map(|(_, door)| door)
            .ok_or_else(|| Fault::new(Class::Invalid, kind, "UnknownKind", "this agent does not know the kind"))
    }

    /// The table of kinds.
    pub fn kinds(&self) -> crate::kind::Kinds {
        crate::kind::Kinds::new(self.kinds.values().map(|(info, _)| *info))
    }
}
