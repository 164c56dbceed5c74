//! What other stacks of the account and region have: the fields that references to them name, read like a stack's own
//! resources, each kind of each stack once.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, Scope};
use crate::fault::Fault;
use crate::live::{LiveDoc, Phase};
use crate::lookup::{Answer, Export, Question};
use crate::observed::{Observed, read_kinds};
use crate::provider::Cloud;

/// Answers those of the questions that are about other stacks. What is not there, is going, or is there twice (it is being
/// replaced) has no answer.
///
/// # Errors
/// The fault of the first list that could not be had.
pub async fn answers(
    cloud: &Cloud,
    home: &Scope,
    questions: &BTreeSet<Question>,
) -> Result<Vec<(Question, Answer)>, Fault> {
    let mut answers = Vec::new();
    for (stack, exports) in by_stack(questions) {
        let scope = Scope { stack: stack.to_owned(), ..home.clone() };
        let kinds: BTreeSet<&str> = exports.iter().map(|export| export.address.kind()).collect();
        let observed = read_kinds(cloud, &scope, &kinds).await;
        for export in exports {
            if let Some(fault) = observed.fault(export.address.kind()) {
                return Err(fault.clone());
            }
            if let Some(text) = field(export, &observed) {
                answers.push((Question::Export(export.clone()), Answer::Text(text)));
            }
        }
    }
    Ok(answers)
}

/// The questions about other stacks, by stack.
pub fn by_stack(questions: &BTreeSet<Question>) -> BTreeMap<&str, Vec<&Export>> {
    let mut stacks: BTreeMap<&str, Vec<&Export>> = BTreeMap::new();
    for question in questions {
        if let Question::Export(export) = question {
            stacks.entry(&export.stack).or_default().push(export);
        }
    }
    stacks
}

fn field(export: &Export, observed: &Observed) -> Option<String> {
    let is_it = |told: &Address| *told == export.address || export.former.contains(told);
    let meant = |live: &&LiveDoc| {
        live.phase != Phase::Going && live.owner.of_stack(&export.stack).is_some_and(|mark| is_it(&mark.address))
    };
    let mut found = observed.of(export.address.kind()).iter().filter(meant);
    match (found.next(), found.next()) {
        // A secret is no text, and never leaves by this door.
        (Some(live), None) => live.field(&export.field)?.as_str().map(ToOwned::to_owned),
        _ => None,
    }
}
