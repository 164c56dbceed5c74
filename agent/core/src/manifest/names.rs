//! Which names components may have. Names become parts of AWS names, so they keep to what nearly all services take;
//! what a service forbids beyond that is its kind's business.

use crate::source::{Problem, Span};

/// Longest name of a component or stack. Target groups and load balancers take 32 characters in all.
pub const MOST: usize = 32;

/// What the names of a component type look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameRule {
    /// `a-z0-9-`, at most [`MOST`] characters.
    #[default]
    Plain,
    /// A domain name, as in `[dns."app.example.org"]`; `*` as the first label is allowed.
    Domain,
}

/// Checks the name of a component (`what` is `service`), and says how to mend it.
pub fn check(rule: NameRule, what: &str, name: &str, span: &Span) -> Option<Problem> {
    match rule {
        NameRule::Plain => check_plain(what, name, span),
        NameRule::Domain => check_domain(what, name, span),
    }
}

fn check_plain(what: &str, name: &str, span: &Span) -> Option<Problem> {
    let problem = |why: &str| Problem::new("bad-name", format!("`{name}` is no name for a {what}: {why}")).at(span);
    if name.is_empty() {
        return Some(Problem::new("bad-name", format!("the name of the {what} is empty")).at(span));
    }
    if name.len() > MOST {
        let problem = problem(&format!("it has {} characters, and may have {MOST} at most", name.chars().count()));
        return Some(problem.hint("the names of AWS resources are made of the names of stack and component"));
    }
    let allowed = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    let problem = match (allowed, hyphens) {
        (true, false) => return None,
        (false, _) => problem("only `a` to `z`, `0` to `9` and `-` are allowed"),
        (true, true) => problem("a `-` stands between letters or digits only"),
    };
    Some(match mended(name) {
        Some(better) => problem.hint(format!("for example `{better}`")),
        None => problem,
    })
}

fn check_domain(what: &str, name: &str, span: &Span) -> Option<Problem> {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    let rest = name.strip_prefix("*.").unwrap_or(name);
    if name.len() <= 253 && rest.contains('.') && rest.split('.').all(label) {
        return None;
    }
    let problem = Problem::new("bad-name", format!("`{name}` is no domain name for a {what}")).at(span);
    Some(problem.hint("write it in lower case, without a dot at the end: `\"app.example.org\"`"))
}

/// The nearest name that is allowed.
fn mended(name: &str) -> Option<String> {
    let lower: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let better = lower.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    (!better.is_empty() && better.len() <= MOST).then_some(better)
}
