//! `renamed_from`: a component makes its resources under its former name, so that whatever AWS knows by that name stays as
//! it is; then their addresses, and the words for people, are those of now. Components know nothing of it.

use std::borrow::Cow;

use agent_core::desired::Resource;
use agent_core::doc::Doc;
use agent_core::manifest::ComponentDecl;
use agent_core::reference::Text;
use agent_core::renames::Renames;
use agent_core::source::{Problem, Problems};

/// A component as it makes its resources: under its oldest name.
pub(super) fn formerly(decl: &ComponentDecl) -> Cow<'_, ComponentDecl> {
    match decl.common.former_names().first() {
        Some(former) => Cow::Owned(ComponentDecl { name: former.clone(), ..decl.clone() }),
        None => Cow::Borrowed(decl),
    }
}

/// What is called otherwise than before.
pub(super) fn of<'a>(components: impl Iterator<Item = &'a ComponentDecl>) -> Renames {
    let former =
        |decl: &ComponentDecl| decl.common.former_names().iter().map(|name| format!("{}.{name}", decl.kind)).collect();
    Renames::new(components.map(|decl| (decl.address(), former(decl))))
}

/// A resource under the address of now, naming others by theirs.
pub(super) fn resource(made: Resource, renames: &Renames) -> Resource {
    if renames.is_empty() {
        return made;
    }
    Resource { address: renames.now(&made.address).into_owned(), spec: renames.doc_now(&made.spec), ..made }
}

/// A text that names resources by their addresses of now.
pub(super) fn text(text: Text, renames: &Renames) -> Text {
    if renames.is_empty() || text.plain().is_some() {
        return text;
    }
    renames.doc_now(&Doc::from_value(&text.to_value())).typed().unwrap_or(text)
}

/// Problems in which components are called what the manifest calls them. No other component has a former name, which the
/// reader of manifests has made sure of.
pub(super) fn problems(found: Problems, renames: &Renames) -> Problems {
    if renames.is_empty() {
        return found;
    }
    let mut all = Problems::new();
    for problem in &found {
        let said =
            |text: &str| renames.iter().fold(text.to_owned(), |text, (now, former)| replaced(&text, former, now));
        all.push(Problem {
            message: said(&problem.message),
            hint: problem.hint.as_deref().map(said),
            label: problem.label.as_deref().map(said),
            also: problem.also.iter().map(|(span, text)| (span.clone(), said(text))).collect(),
            ..problem.clone()
        });
    }
    all
}

/// A text with another word in the place of one: `service.app` is not in `service.app-2`.
fn replaced(text: &str, from: &str, to: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let whole = !before.ends_with(part) && !before.ends_with('.') && !after.starts_with(part);
        out.push_str(before);
        out.push_str(if whole { to } else { from });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        let text = "`service.app.image` and `service.app-2`, service.app and xservice.app";
        let expected = "`service.web.image` and `service.app-2`, service.web and xservice.app";
        assert_eq!(replaced(text, "service.app", "service.web"), expected);
    }
}
