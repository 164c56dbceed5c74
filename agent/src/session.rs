//! One stack with AWS behind it: clients for its region, its account checked, its manifest expanded and judged.

mod clouds;
mod health;
pub mod owner;
mod roles;

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_core::address::Scope;
use agent_core::allowed::{Allowed, Finding, Judge};
use agent_core::desired::{Allow, Desired, Incoherent};
use agent_core::execute::Event;
use agent_core::exports;
use agent_core::fault::Fault;
use agent_core::lookup::{Answers, Export, Question};
use agent_core::observed::{Interest, Observed};
use agent_core::pass::{Engine, Look, PassError, holder};
use agent_core::plan::Settings;
use agent_core::secret::NoRandomness;
use agent_core::state::{self, Belongs, Expiry, Last, NotSuspended, StackState, Store, Suspended, Suspension};
use agent_core::wait::Timing;
use agent_core::work::heard_by;
use agent_model::expand::expand_among;
use agent_model::rotation::{self, Due, NotRotating};

pub use clouds::Clouds;
use clouds::Regional;
pub use roles::RoleError;

use crate::audit::Word;
use crate::load::{LoadError, Stack};
use crate::policy;

/// AWS for one stack.
pub struct Session {
    regional: Arc<Regional>,
    /// Where the stack lives.
    pub scope: Scope,
    judge: Arc<policy::Judge>,
}

/// Why a stack cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The manifest has problems; they are in the stack.
    #[error("the manifest has problems")]
    Problems,
    /// The manifest does not say which account it is for.
    #[error("the stack `{0}` does not say which account it is for")]
    NoAccount(String),
    /// The credentials are another account's.
    #[error("the stack `{stack}` is for the account {wanted}, and these credentials are of {got} ({arn})")]
    WrongAccount {
        /// The stack.
        stack: String,
        /// The account in the manifest.
        wanted: String,
        /// The account of the credentials.
        got: String,
        /// Who the credentials are.
        arn: String,
        /// A role of the account in the manifest that the configuration has for other stacks.
        role: Option<String>,
    },
    /// No credentials of the role that the stack uses.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Neither the command line nor the environment names a region.
    #[error("no region is named")]
    NoRegion,
    /// AWS knows no stack of that name.
    #[error(
        "there is no folder `{stack}`, and no record of a stack of that name in account {account}, region {region}"
    )]
    NoSuchStack {
        /// The stack.
        stack: String,
        /// The account of the credentials.
        account: String,
        /// Where it was looked for.
        region: String,
    },
    /// The stack says that nothing is to be written.
    #[error("nothing was deleted, because the stack says `mode = \"report\"`")]
    OnlyReports,
    /// Another stack has not made yet what this one refers to.
    #[error("there can be no plan: it refers to {}, which is not there", Question::Export(.0.clone()))]
    NotThere(Export),
    /// It could not be suspended.
    #[error("the stack was not suspended: {0}")]
    NotSuspended(#[from] NotSuspended),
    /// The revision does not go on from the one that the stack was made equal to last.
    #[error("the revision may not follow the one that was applied last: {}{}", .error.full(), from(.other.as_deref()))]
    NotNext {
        /// Why not, or why that is not known.
        error: Box<LoadError>,
        /// The repository that the last one came from, if it is another.
        other: Option<String>,
        /// What is to be said where it is meant, of a command that can say it.
        way: Option<String>,
    },
    /// The stack belongs to another source.
    #[error("the stack `{stack}` belongs to {of}, and not to {by}")]
    OtherSource {
        /// The stack.
        stack: String,
        /// Whose it is.
        of: String,
        /// Who wants to change it.
        by: String,
        /// What to do about it.
        way: String,
    },
    /// AWS could not be asked who this is.
    #[error("AWS cannot be reached: {0}")]
    NoAws(Fault),
    /// A call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The rules are against it.
    #[error("the rules are against it")]
    Refused(Vec<Finding>),
    /// No pass could be made.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// No secret can be made anew.
    #[error(transparent)]
    NotRotating(#[from] NotRotating),
    /// There is something else to do first.
    #[error("{0} changes are pending, and a secret is made anew only when there is nothing else to do")]
    Pending(usize),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The expansion does not hang together: a fault of this program.
    #[error("the expansion does not hang together: {0}")]
    Incoherent(String),
}

impl SessionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAccount(_) => {
                Some("add `account = \"…\"` to `[stack]`: nothing is applied to an account by chance".into())
            }
            Self::WrongAccount { stack, role: Some(role), .. } => Some(format!(
                "add `{stack}` to `stacks` of the `[[role]]` {role} in the agent's configuration, if it may use that, or correct \
                 `[stack] account`"
            )),
            Self::WrongAccount { stack, wanted, .. } => Some(format!(
                "use the credentials of that account, correct `[stack] account`, or add to the agent's configuration: \
                 [[role]] arn = \"arn:aws:iam::{wanted}:role/…\", stacks = [\"{stack}\"]"
            )),
            Self::Role(error) => Some(error.hint()),
            Self::OtherSource { way, .. } => Some(way.clone()),
            Self::OnlyReports => Some("take the line away before the stack is destroyed".into()),
            Self::NotThere(export) => Some(format!("apply the stack `{}` first", export.stack)),
            Self::NoRegion => Some("say `--region`, or set AWS_REGION".into()),
            Self::NoSuchStack { .. } => Some("check the name, the credentials and `--region`".into()),
            Self::NotNext { error, way, .. } => {
                let all: Vec<String> = error.hint().into_iter().chain(way.clone()).collect();
                (!all.is_empty()).then(|| all.join("; "))
            }
            Self::NotSuspended(NotSuspended::Already(_)) => Some("`agent resume` first, or leave it at that".into()),
            Self::Pending(_) => Some("apply the revision first".into()),
            Self::NoAws(fault) => Some(unreachable_hint(fault)),
            Self::Fault(fault)
            | Self::NotSuspended(NotSuspended::Fault(fault))
            | Self::Pass(PassError::State(fault)) => Some(fault.class.hint().into()),
            _ => None,
        }
    }
}

fn from(other: Option<&str>) -> String {
    other.map(|url| format!(" (that one came from `{url}`)")).unwrap_or_default()
}

fn unreachable_hint(fault: &Fault) -> String {
    use agent_core::fault::Class;
    match fault.class {
        Class::Credentials => "set AWS_PROFILE, or the environment that every AWS tool reads".into(),
        Class::Lost => "check the network, `[stack] region` and AWS_ENDPOINT_URL".into(),
        class => class.hint().into(),
    }
}

impl Session {
    /// What the stack wants, judged by the rules, and what AWS holds of it. The questions of the expansion are asked while
    /// AWS is read: which kinds to read follows from an expansion without answers.
    /// Where nothing else is to be done, a secret that has come of age is made anew. In a stack that is suspended nothing is to be
    /// done, and nothing is planned.
    pub async fn look(&self, engine: &Engine<'_>, stack: &mut Stack) -> Result<(Allowed<Desired>, Look), SessionError> {
        let look = self.look_only(engine, stack, true).await?;
        self.come_of_age(engine, look).await
    }

    /// The same, and a stack that is suspended is no exception: nothing is to be changed now.
    pub async fn look_at_any(
        &self,
        engine: &Engine<'_>,
        stack: &mut Stack,
    ) -> Result<(Allowed<Desired>, Look), SessionError> {
        let look = self.look_only(engine, stack, false).await?;
        self.come_of_age(engine, look).await
    }

    async fn come_of_age(
        &self,
        engine: &Engine<'_>,
        (desired, look): (Allowed<Desired>, Look),
    ) -> Result<(Allowed<Desired>, Look), SessionError> {
        let now = jiff::Timestamp::now().as_second();
        let due = if look.plan.is_converged() { rotation::due(&desired, &look.observed, now) } else { Vec::new() };
        self.rotating(engine, desired, look, &due).await
    }

    /// The same, and the secret of a component is made anew, whatever its age. `None`: that is under way.
    pub async fn look_to_rotate(
        &self,
        engine: &Engine<'_>,
        stack: &mut Stack,
        component: &str,
    ) -> Result<(Allowed<Desired>, Look, bool), SessionError> {
        let (desired, look) = self.look_only(engine, stack, true).await?;
        match rotation::asked(&desired, &look.observed, component) {
            Err(NotRotating::UnderWay(_)) => Ok((desired, look, false)),
            Err(error) => Err(error.into()),
            Ok(_) if !look.plan.is_converged() => Err(SessionError::Pending(look.plan.steps.len())),
            Ok(due) => {
                let (desired, look) = self.rotating(engine, desired, look, &[due]).await?;
                Ok((desired, look, true))
            }
        }
    }

    async fn rotating(
        &self,
        engine: &Engine<'_>,
        desired: Allowed<Desired>,
        look: Look,
        due: &[Due],
    ) -> Result<(Allowed<Desired>, Look), SessionError> {
        if due.is_empty() {
            return Ok((desired, look));
        }
        let desired = rotation::begun(Desired::clone(&desired), due);
        let desired = self.judged(desired).await?;
        let look = engine.plan(&desired, look.state, look.observed)?;
        Ok((desired, look))
    }

    async fn look_only(
        &self,
        engine: &Engine<'_>,
        stack: &mut Stack,
        to_change: bool,
    ) -> Result<(Allowed<Desired>, Look), SessionError> {
        if to_change {
            Self::not_suspended(stack)?;
        }
        let (desired, state, observed) = self.seen(engine, stack).await?;
        if to_change {
            engine.not_suspended(&state)?;
        }
        let desired = self.judged(desired).await?;
        let look = engine.plan(&desired, state, observed)?;
        Ok((desired, look))
    }

    /// What the stack wants, not judged: AWS is asked for what the manifest refers to, and for nothing else.
    pub async fn wanted(&self, stack: &mut Stack) -> Result<Desired, SessionError> {
        let (_, questions) = crate::load::offline(stack).ok_or(SessionError::Problems)?;
        let answers = self.answers(questions).await?;
        Self::desired(&answers, stack)
    }

    /// What AWS answers to the questions of an expansion.
    async fn answers(&self, questions: BTreeSet<Question>) -> Result<Answers, SessionError> {
        let (exported, own): (BTreeSet<Question>, BTreeSet<Question>) =
            questions.into_iter().partition(|question| matches!(question, Question::Export(_)));
        let (answers, exported) = tokio::join!(
            self.regional.aws.answers(own),
            exports::answers(&self.regional.cloud, &self.scope, &exported)
        );
        Ok(exported?.into_iter().fold(answers?, |all, (question, answer)| all.with(question, answer)))
    }

    /// What the stack wants, not judged yet, and what AWS holds of it.
    async fn seen(
        &self,
        engine: &Engine<'_>,
        stack: &mut Stack,
    ) -> Result<(Desired, StackState, Observed), SessionError> {
        let (offline, questions) = crate::load::offline(stack).ok_or(SessionError::Problems)?;
        let interest = Interest::of(&offline);
        let (answers, read) = tokio::join!(self.answers(questions), engine.read(&interest));
        let desired = Self::desired(&answers?, stack)?;
        let (state, observed) = read?;
        Ok((desired, state, observed))
    }

    fn desired(answers: &Answers, stack: &mut Stack) -> Result<Desired, SessionError> {
        let Some(manifest) = stack.manifest.as_ref() else { return Err(SessionError::Problems) };
        let expanded = expand_among(manifest, &stack.others, answers, &mut stack.problems);
        let expanded = expanded.ok_or(SessionError::Problems)?;
        if let Some(Question::Export(export)) = expanded.unknown.iter().find(|q| matches!(q, Question::Export(_))) {
            return Err(SessionError::NotThere(export.clone()));
        }
        if let Some(question) = expanded.unknown.first() {
            let text = format!("AWS does not tell {question}");
            return Err(Fault::new(agent_core::fault::Class::NotFound, "ec2", "NoAnswer", text).into());
        }
        let incoherent = |problems: Vec<Incoherent>| {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            SessionError::Incoherent(all.join("; "))
        };
        expanded.desired().map_err(incoherent)
    }

    /// What the rules say of a plan: what they would refuse when it is carried out, and what they advise.
    pub async fn judged_plan(&self, desired: &Desired, plan: &agent_core::plan::Plan) -> Vec<Finding> {
        if plan.steps.is_empty() { Vec::new() } else { self.judge.plan(desired, plan).await }
    }

    /// Whether its manifest lets anything of the stack be changed.
    pub fn not_suspended(stack: &Stack) -> Result<(), SessionError> {
        let by_manifest = stack.manifest.as_ref().and_then(|manifest| Suspended::by_manifest(&manifest.stack));
        by_manifest.map_or(Ok(()), |suspended| Err(PassError::Suspended(suspended).into()))
    }

    /// Whether people want nothing of the stack to be changed, by their own words and nothing else: one call.
    pub async fn still_suspended(&self, engine: &Engine<'_>) -> Result<(), SessionError> {
        let state = StackState::read(self.regional.aws.as_ref(), &self.scope.stack).await?;
        Ok(engine.not_suspended(&state)?)
    }

    /// Whether another agent, which was met before, still works on the stack: one call.
    pub async fn still_held(&self, expiry: &Expiry) -> Result<(), SessionError> {
        let free = state::is_free(self.regional.aws.as_ref(), &self.scope.stack, expiry).await;
        free.map_err(|held| SessionError::Pass(held.into()))
    }

    /// Suspends the stack in the name of whoever the credentials are.
    pub async fn suspend(&self, reason: &str, until: Option<jiff::Timestamp>) -> Result<Suspension, SessionError> {
        let by = self.regional.identity.arn.clone();
        let said = Suspension { by, reason: reason.to_owned(), until, since: None };
        let store = self.regional.aws.as_ref();
        let work = state::suspend(store, &self.scope.stack, &said, jiff::Timestamp::now());
        heard_by(self.word("suspend", &said), work).await?;
        Ok(said)
    }

    /// Lets it go on; gives what was said when it was suspended, if it was.
    pub async fn resume(&self) -> Result<Option<Suspension>, SessionError> {
        let store = self.regional.aws.as_ref();
        let held = state::suspension(store, &self.scope.stack).await?;
        if let Some(said) = &held {
            heard_by(self.word("resume", said), state::resume(store, &self.scope.stack)).await?;
        }
        Ok(held)
    }

    /// Who has a line written of what is said of the stack.
    fn word(&self, action: &'static str, said: &Suspension) -> Arc<Word> {
        let (stack, by) = (self.scope.stack.clone(), self.regional.identity.arn.clone());
        Arc::new(Word { stack, action, by, said: said.clone() })
    }

    /// What AWS holds as the record of the stack's last revision.
    pub async fn last(&self) -> Result<Option<Last>, SessionError> {
        Ok(StackState::read(self.regional.aws.as_ref(), &self.scope.stack).await?.last)
    }

    /// Where the stack's own words are.
    pub fn store(&self) -> Arc<dyn Store> {
        self.regional.aws.clone()
    }

    /// Nothing is wanted: what a stack is destroyed with.
    pub async fn nothing(&self, allow: Allow) -> Result<Allowed<Desired>, SessionError> {
        let desired = Desired::build(&self.scope.stack, Vec::new(), allow, &agent_model::kinds::table());
        let desired = desired.map_err(|problems| SessionError::Incoherent(format!("{problems:?}")))?;
        self.judged(desired).await
    }

    async fn judged(&self, desired: Desired) -> Result<Allowed<Desired>, SessionError> {
        Allowed::<Desired>::judge(desired, self.judge.as_ref()).await.map_err(SessionError::Refused)
    }

    /// What passes are made with.
    pub fn engine<'a>(&'a self, tell: &'a (dyn Fn(Event<'_>) + Sync), settings: Settings) -> Engine<'a> {
        Engine {
            cloud: &self.regional.cloud,
            kinds: self.regional.cloud.kinds(),
            scope: &self.scope,
            store: self.regional.aws.as_ref(),
            judge: self.judge.as_ref(),
            settings,
            timing: Timing::default(),
            tell,
            holder: holder(),
            accept_lost_state: false,
            insist: true,
            belongs: Belongs::default(),
        }
    }
}
