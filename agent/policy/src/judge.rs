//! The judge of the engine: asks a child process, and makes findings of its answer. Whatever goes wrong on the way is a
//! finding that refuses: rules that were not evaluated let nothing pass.

use agent_core::allowed::{Finding, Judge, Level};
use agent_core::desired::Desired;
use agent_core::exception::{self, Known};
use agent_core::plan::Plan;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::bundle::Bundle;
use crate::child::{self, NoVerdict, Said, Verdict};
use crate::metadata::{Pass, Rule};

/// The id of findings about the evaluation itself.
pub const CHILD: &str = "policy-child";

/// Who evaluates the rules: a child process, or in tests whatever behaves like one.
pub trait Ask: Send + Sync {
    /// Gives the question to it, and its answer back.
    fn ask(&self, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, NoVerdict>>;
}

/// Makes the document of a stack that rules judge; with a plan, that of the second pass. An error is a fault of this program.
pub type Document = fn(&Desired, Option<&Plan>) -> Result<String, String>;

/// The rules of a bundle, evaluated by a child, and those that the repository of a stack adds, evaluated by another.
pub struct Rules<A> {
    bundle: Bundle,
    document: Document,
    child: A,
    today: fn() -> Date,
}

impl<A: Ask> Rules<A> {
    /// These rules, asked today.
    pub fn new(bundle: Bundle, document: Document, child: A) -> Self {
        Self { bundle, document, child, today: || Timestamp::now().to_zoned(TimeZone::UTC).date() }
    }

    /// The same, asked on another day.
    #[must_use]
    pub fn on(self, today: fn() -> Date) -> Self {
        Self { today, ..self }
    }

    /// The rules that are in force.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    async fn judge(&self, desired: &Desired, plan: Option<&Plan>) -> Vec<Finding> {
        let pass = if plan.is_some() { Pass::Plan } else { Pass::Desired };
        let written = &desired.written;
        let added = match self.bundle.added(&written.policies) {
            Ok(added) => added,
            Err(error) => return vec![refusal(&NoVerdict::Failed(error.to_string()))],
        };
        let bundles = [&self.bundle, &added];
        let bundles: Vec<&Bundle> = bundles.into_iter().filter(|bundle| !bundle.asked(pass).is_empty()).collect();
        if bundles.is_empty() {
            return Vec::new();
        }
        let document = match (self.document)(desired, plan) {
            Ok(document) => document,
            Err(why) => return vec![refusal(&NoVerdict::Failed(format!("the stack has no document: {why}")))],
        };
        let answers = join_all(bundles.iter().map(|bundle| self.ask(bundle, pass, &document))).await;
        let all = self.bundle.rules().iter().chain(added.rules()).map(|rule| rule.id.as_str()).collect();
        // Of rules that gave no answer nobody knows what they have to say.
        let answered = bundles.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(bundle, _)| *bundle);
        let asked = answered.flat_map(|bundle| bundle.asked(pass)).map(|rule| rule.id.as_str()).collect();
        let found = answers.into_iter().flat_map(|found| found.unwrap_or_else(|why| vec![refusal(&why)])).collect();
        exception::applied(found, &written.exceptions, &Known { all, asked }, (self.today)())
    }

    async fn ask(&self, bundle: &Bundle, pass: Pass, document: &str) -> Result<Vec<Finding>, NoVerdict> {
        let answer = self.child.ask(child::question(bundle, pass, document)).await?;
        let verdicts = child::verdicts(&answer, bundle, pass)?;
        Ok(verdicts.into_iter().map(|(rule, said)| finding(rule, said)).collect())
    }
}

impl<A: Ask> Judge for Rules<A> {
    fn desired<'a>(&'a self, desired: &'a Desired) -> BoxFuture<'a, Vec<Finding>> {
        self.judge(desired, None).boxed()
    }

    fn plan<'a>(&'a self, desired: &'a Desired, plan: &'a Plan) -> BoxFuture<'a, Vec<Finding>> {
        self.judge(desired, Some(plan)).boxed()
    }

    fn digest(&self) -> String {
        self.bundle.digest().to_owned()
    }
}

fn finding(rule: &Rule, said: Said) -> Finding {
    let fact = said.fact.filter(|_| said.verdict == Verdict::Unknown);
    Finding {
        rule: rule.id.clone(),
        level: rule.level.filter(|_| said.verdict != Verdict::Warn).unwrap_or(Level::Advisory),
        address: said.address.and_then(|address| address.parse().ok()),
        component: said.component,
        field: said.field,
        key: said.key,
        message: said.msg,
        hint: said.hint,
        unknown: fact,
        ..Finding::default()
    }
}

/// The finding in the place of all those that there might have been.
pub fn refusal(why: &NoVerdict) -> Finding {
    let hint = match why {
        NoVerdict::Failed(_) => "nothing is applied until the rules can be evaluated: mend the policy that is named",
        NoVerdict::Garbage(_) | NoVerdict::Child(_) => {
            "nothing is applied until the rules can be evaluated: look for a policy that recurses, loops or takes too much \
             memory, or for a machine that is short of it"
        }
    };
    Finding {
        rule: CHILD.to_owned(),
        level: Level::Hard,
        message: why.to_string(),
        hint: Some(hint.to_owned()),
        ..Finding::default()
    }
}
