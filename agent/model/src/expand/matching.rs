//! Who means whom: finds the components that others name, or the only ones that they can mean, and gives each component
//! the list of what is needed of it.

use std::collections::BTreeMap;

use agent_core::manifest::suggest;
use agent_core::source::{Problem, Problems, Span};

use super::Party;
use crate::components::{Path, Want, What, called, later};

/// Something that is needed of a component.
#[derive(Debug)]
pub struct Asked {
    /// Who needs it, by position.
    pub(super) by: usize,
    /// Who needs it, as its resources are addressed: `service.web`.
    pub component: String,
    /// Where it says so.
    pub path: Path,
    /// The same, to point at.
    pub span: Span,
    /// What it needs.
    pub what: What,
}

/// Who means whom.
pub(super) struct Matched {
    links: Vec<BTreeMap<Path, usize>>,
    asked: Vec<Vec<Asked>>,
}

impl Matched {
    /// The component that `own` named at a path.
    pub(super) fn link(&self, own: usize, path: &[impl AsRef<str>]) -> Option<usize> {
        let path: Path = path.iter().map(|word| word.as_ref().to_owned()).collect();
        self.links.get(own)?.get(&path).copied()
    }

    /// What is needed of a component.
    pub(super) fn asked(&self, of: usize) -> &[Asked] {
        self.asked.get(of).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether all that a component named was found and can be used.
    pub(super) fn is_whole(&self, own: usize, parties: &[Party<'_>]) -> bool {
        let Some(links) = self.links.get(own) else { return false };
        parties[own].declared.wants.len() == links.len()
            && links.values().all(|other| parties[*other].declared.offer.is_some())
    }
}

/// Matches all wants and needs, and reports what cannot be matched.
pub(super) fn matched(parties: &[Party<'_>], problems: &mut Problems) -> Matched {
    let links: Vec<BTreeMap<Path, usize>> = parties
        .iter()
        .map(|party| {
            let found = party.declared.wants.iter().filter_map(|want| match meant(want, party, parties) {
                Ok(other) => Some((want.path.clone(), other)),
                Err(problem) => {
                    problems.push(*problem);
                    None
                }
            });
            found.collect()
        })
        .collect();
    let mut asked: Vec<Vec<Asked>> = parties.iter().map(|_| Vec::new()).collect();
    for (by, party) in parties.iter().enumerate() {
        for need in &party.declared.needs {
            if let Some(of) = links[by].get(&need.of) {
                let words: Vec<&str> = need.path.iter().map(String::as_str).collect();
                asked[*of].push(Asked {
                    by,
                    component: party.decl.address(),
                    path: need.path.clone(),
                    span: party.decl.locate(&words),
                    what: need.what.clone(),
                });
            }
        }
    }
    Matched { links, asked }
}

fn meant(want: &Want, party: &Party<'_>, parties: &[Party<'_>]) -> Result<usize, Box<Problem>> {
    match &want.given {
        Some(given) => named(want, given, party, parties),
        None => only(want, party, parties),
    }
}

/// The component that is named.
fn named(want: &Want, given: &str, party: &Party<'_>, parties: &[Party<'_>]) -> Result<usize, Box<Problem>> {
    let words: Vec<&str> = want.path.iter().map(String::as_str).collect();
    let span = party.decl.locate(&words);
    let key = called(&party.address(), &want.path);
    let find = |kind: &str, name: &str| parties.iter().position(|party| party.is(kind, name));
    let problem = |message: String| Problem::new("bad-reference", message).at(&span);
    let Some((kind, name)) = given.split_once('.') else {
        let found: Vec<usize> = want.types.iter().filter_map(|kind| find(kind, given)).collect();
        return match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Box::new(unknown(want, given, parties, false, &span))),
            several => {
                let all = suggest::list(
                    several.iter().map(|at| parties[*at].address()).collect::<Vec<_>>().iter().map(String::as_str),
                    "or",
                );
                Err(Box::new(problem(format!("`{key}`: `{given}` may mean {all}"))))
            }
        };
    };
    let fits = want.types.contains(&kind);
    match find(kind, name) {
        _ if !fits && later::is_type(kind) => {
            let message =
                format!("`{key}` names `{given}`, and the type `{kind}` comes with a later release of this agent");
            Err(Box::new(Problem { code: later::CODE.into(), ..problem(message) }))
        }
        Some(at) if fits => Ok(at),
        Some(at) => {
            let problem =
                problem(format!("`{key}` takes {}, and `{given}` is {}", words_for(want.types), word_for(kind)));
            Err(Box::new(problem.also(&parties[at].decl.name_span, "it is here")))
        }
        None => Err(Box::new(unknown(want, given, parties, true, &span))),
    }
}

/// The only component that can be meant.
fn only(want: &Want, party: &Party<'_>, parties: &[Party<'_>]) -> Result<usize, Box<Problem>> {
    let fitting: Vec<usize> =
        (0..parties.len()).filter(|at| want.types.contains(&parties[*at].decl.kind.as_str())).collect();
    let words: Vec<&str> = want.path.iter().map(String::as_str).collect();
    let span = party.decl.locate(&words);
    let own = party.address();
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => {
            let message = format!("`{own}` needs {}, and the stack has none", words_for(want.types));
            let hint = format!("add `[{}.main]`", want.types.first().unwrap_or(&"component"));
            Err(Box::new(Problem::new("missing-component", message).at(&span).hint(hint)))
        }
        [first, ..] => {
            let all = candidates(want, parties, true);
            let all = suggest::list(all.iter().map(String::as_str), "and");
            let key = want.path.last().map(String::as_str).unwrap_or_default();
            let message = format!("`{own}` lacks `{key}`: the stack has {all}");
            let hint = format!("say which: `{key} = \"{}\"`", parties[*first].name);
            Err(Box::new(Problem::new("missing-key", message).at(&span).hint(hint)))
        }
    }
}

/// What could be named: with or without the type.
fn candidates(want: &Want, parties: &[Party<'_>], full: bool) -> Vec<String> {
    let fitting = parties.iter().filter(|party| want.types.contains(&party.decl.kind.as_str()));
    fitting.map(|party| if full { party.address() } else { party.name.clone() }).collect()
}

fn unknown(want: &Want, given: &str, parties: &[Party<'_>], full: bool, span: &Span) -> Problem {
    let known = candidates(want, parties, full);
    let what = want.types.first().map_or("component", |ty| ty);
    let missing = if given.contains('.') { given.to_owned() } else { format!("{what}.{given}") };
    let problem = Problem::new("unknown-component", format!("there is no `{missing}` in the stack")).at(span);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let was = |party: &&Party<'_>| missing.split_once('.').is_some_and(|(kind, name)| party.was(kind, name));
    if let Some(now) = parties.iter().find(was) {
        let shown = if full { now.address() } else { now.name.clone() };
        return problem.hint(format!("it is called `{shown}` now"));
    }
    let hint = suggest::hint(given, &known, "it has").unwrap_or_else(|| format!("add `[{missing}]`"));
    problem.hint(hint)
}

/// `a load balancer`.
fn word_for(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {}", kind.replace('_', " "))
}

fn words_for(kinds: &[&str]) -> String {
    kinds.iter().map(|kind| word_for(kind)).collect::<Vec<_>>().join(" or ")
}
