//! The judge of the engine: asks a child process, and makes findings of its answer. Whatever goes wrong on the way is a
//! finding that refuses: rules that were not evaluated let nothing pass.

use agent_core::allowed::{Finding, Judge, Level};
use agent_core::desired::Desired;
use agent_core::plan::Plan;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::bundle::Bundle;
use crate::child::{self, NoVerdict, Said, Verdict};
use crate::metadata::{BadPolicy, Pass, Rule};

/// The id of findings about the evaluation itself.
pub const CHILD: &str = "policy-child";

/// Who evaluates the rules: a child process, or in tests whatever behaves like one.
pub trait Ask: Send + Sync {
    /// Gives the question to it, and its answer back.
    fn ask(&self, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, NoVerdict>>;
}

/// Makes the document of a stack that rules judge; with a plan, that of the second pass. An error is a fault of this program.
pub type Document = fn(&Desired, Option<&Plan>) -> Result<String, String>;

/// The rules of a bundle, evaluated by a child.
pub struct Rules<A> {
    bundle: Result<Bundle, BadPolicy>,
    document: Document,
    child: A,
}

impl<A: Ask> Rules<A> {
    /// The pack of this program.
    pub fn of_pack(document: Document, child: A) -> Self {
        Self { bundle: Bundle::pack(), document, child }
    }

    /// Other rules.
    pub fn new(bundle: Bundle, document: Document, child: A) -> Self {
        Self { bundle: Ok(bundle), document, child }
    }

    async fn judge(&self, desired: &Desired, plan: Option<&Plan>) -> Vec<Finding> {
        let pass = if plan.is_some() { Pass::Plan } else { Pass::Desired };
        let bundle = match &self.bundle {
            Ok(bundle) => bundle,
            Err(error) => return vec![refusal(&NoVerdict::Failed(error.to_string()))],
        };
        if bundle.asked(pass).is_empty() {
            return Vec::new();
        }
        let asked = async {
            let document = (self.document)(desired, plan);
            let document = document.map_err(|why| NoVerdict::Failed(format!("the stack has no document: {why}")))?;
            let answer = self.child.ask(child::question(bundle, pass, &document)).await?;
            child::verdicts(&answer, bundle, pass)
        };
        match asked.await {
            Ok(verdicts) => verdicts.into_iter().map(|(rule, said)| finding(rule, said)).collect(),
            Err(why) => vec![refusal(&why)],
        }
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
        self.bundle.as_ref().map_or_else(|_| "none".to_owned(), |bundle| bundle.digest().to_owned())
    }
}

fn finding(rule: &Rule, said: Said) -> Finding {
    let fact = said.fact.filter(|_| said.verdict == Verdict::Unknown);
    Finding {
        rule: rule.id.clone(),
        level: rule.level.filter(|_| said.verdict != Verdict::Warn).unwrap_or(Level::Advisory),
        address: said.address.and_then(|address| address.parse().ok()),
        component: said.component,
        key: said.key,
        message: said.msg,
        hint: said.hint,
        unknown: fact,
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
        address: None,
        component: None,
        key: Vec::new(),
        message: why.to_string(),
        hint: Some(hint.to_owned()),
        unknown: None,
    }
}
