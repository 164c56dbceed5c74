//! Which source a stack belongs to. The first source that makes a pass over a stack is written down with it in AWS, and from then on
//! no other changes it: two branches of a repository may both have its folder. `agent apply` of a person is no source, and
//! with `--accept-revision` gives the stack away.

use agent_core::state::{Last, Origin};

use super::SessionError;
use crate::git::url::identity;

/// Whether two sources are one.
fn is_same(one: &Origin, other: &Origin) -> bool {
    let place = |path: &str| crate::git::clean_path(path).unwrap_or_else(|_| path.to_owned());
    identity(&one.repository) == identity(&other.repository)
        && one.branch == other.branch
        && place(&one.path) == place(&other.path)
}

/// Whether a source may change a stack.
pub fn may_change(stack: &str, last: &Last, source: &Origin, revision: &str) -> Result<(), SessionError> {
    match &last.origin {
        Some(origin) if !is_same(origin, source) => Err(SessionError::OtherSource {
            stack: stack.to_owned(),
            of: origin.to_string(),
            by: source.to_string(),
            way: format!(
                "leave it to that source (`stacks` in the agent's configuration), or give it to this one: {}",
                command(stack, source, revision)
            ),
        }),
        _ => Ok(()),
    }
}

/// Whether a person may change a stack by a commit of that repository without saying that this is meant. Of a folder, or a copy of the
/// repository on this host, nobody knows. `way` is what to do where it is meant.
pub fn may_apply(stack: &str, last: &Last, repository: &str, way: &str) -> Result<(), SessionError> {
    let is_far = matches!(crate::git::url::parse(repository), Ok(crate::git::url::Location::Remote(_)));
    match last.origin.as_ref().filter(|_| is_far) {
        Some(origin) if identity(&origin.repository) != identity(repository) => Err(SessionError::OtherSource {
            stack: stack.to_owned(),
            of: origin.to_string(),
            by: format!("`{repository}`"),
            way: way.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What gives a stack to a source.
fn command(stack: &str, source: &Origin, revision: &str) -> String {
    let Origin { repository, path, .. } = source;
    let path = if path == "." { String::new() } else { format!(" --path {path}") };
    format!("`agent apply --repo {repository} --rev {revision}{path} --stack {stack} --accept-revision {revision}`")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use agent_core::state::Ended;

    use super::*;

    fn origin(repository: &str, branch: &str, path: &str) -> Origin {
        Origin { repository: repository.into(), branch: branch.into(), path: path.into() }
    }

    fn last(origin: Option<Origin>) -> Last {
        Last { origin, ..Last::next(None, "r1", "x", "none", Ended::Converged) }
    }

    #[test]
    fn only_the_source_that_has_a_stack_changes_it() {
        let ours = last(Some(origin("https://git.example.org/o/r.git", "main", "./stacks/")));
        let may = |last: &Last, repository: &str, branch: &str, path: &str| {
            may_change("um", last, &origin(repository, branch, path), "abc").map_err(|error| error.to_string())
        };
        assert_eq!(may(&ours, "git.example.org:o/r", "main", "stacks"), Ok(()));
        assert_eq!(may(&last(None), "https://example.org/x", "dev", "."), Ok(()));
        let refused = "the stack `um` belongs to `https://git.example.org/o/r.git`, branch `main`, folder `./stacks/`, and not to ";
        for (repository, branch, path, by) in [
            (
                "https://git.example.org/o/r",
                "dev",
                "stacks",
                "`https://git.example.org/o/r`, branch `dev`, folder `stacks`",
            ),
            ("https://git.example.org/o/r", "main", ".", "`https://git.example.org/o/r`, branch `main`"),
            (
                "https://git.example.org/o/x",
                "main",
                "stacks",
                "`https://git.example.org/o/x`, branch `main`, folder `stacks`",
            ),
        ] {
            assert_eq!(may(&ours, repository, branch, path), Err(format!("{refused}{by}")));
        }
        let error =
            may_change("um", &ours, &origin("https://git.example.org/o/r", "dev", "stacks"), "abc").unwrap_err();
        let way =
            "`agent apply --repo https://git.example.org/o/r --rev abc --path stacks --stack um --accept-revision abc`";
        assert!(error.hint().unwrap().contains(way), "{:?}", error.hint());
    }

    #[test]
    fn a_person_may_apply_from_the_repository_that_has_the_stack_and_from_copies_of_it() {
        let ours = last(Some(origin("https://git.example.org/o/r.git", "main", ".")));
        for repository in ["git.example.org:o/r", ".", "/home/me/r"] {
            assert!(may_apply("um", &ours, repository, "").is_ok(), "{repository}");
        }
        let error = may_apply("um", &ours, "https://git.example.org/o/other", "say so").unwrap_err();
        assert!(error.to_string().contains("and not to `https://git.example.org/o/other`"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("say so"));
        assert!(may_apply("um", &last(None), "https://git.example.org/o/other", "").is_ok());
    }
}
