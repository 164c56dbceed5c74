//! What commands that change AWS ask of the revision at hand, before they do: that it is of the source that the stack belongs to, and
//! goes on from the one that was applied last. `--accept-revision` answers both beforehand.

use agent_core::pass::Revision;
use agent_core::state::Last;

use super::{Context, End};
use crate::cli::From;
use crate::load::{Tree, goes_on_from};
use crate::session::{SessionError, owner};

/// Whether a person has said that the revision at hand is the right one; naming another one is a mistake.
pub fn accepts(context: &Context<'_>, tree: &Tree, accept: Option<&str>) -> Result<bool, End> {
    let Some(accept) = accept else { return Ok(false) };
    if accept.len() >= 7 && tree.revision.id.starts_with(accept) {
        return Ok(true);
    }
    let message = format!("the revision here is {}, not {accept}", tree.revision.id);
    context.printer.error(&message, Some("name the revision that AWS was last made equal to"));
    Err(End::Usage)
}

/// Whether the stack belongs to where the revision is from. `to` says what is to be done.
pub fn is_of_its_source(stack: &str, last: Option<&Last>, revision: &Revision, to: &str) -> Result<(), SessionError> {
    let Some(last) = last else { return Ok(()) };
    owner::may_apply(stack, last, &revision.source, &way(revision, to))
}

/// Whether a revision may take the place of the one that was applied last.
pub async fn may_follow(
    stack: &str,
    last: Option<&Last>,
    from: &From,
    revision: &Revision,
    to: &str,
) -> Result<(), SessionError> {
    is_of_its_source(stack, last, revision, "to give it away")?;
    let Some(last) = last else { return Ok(()) };
    let goes_on = goes_on_from(from, revision, &last.revision).await;
    goes_on.map_err(|error| SessionError::NotNext {
        error: Box::new(error),
        other: (last.source != revision.source).then(|| last.source.clone()),
        way: Some(way(revision, to)),
    })
}

fn way(revision: &Revision, to: &str) -> String {
    format!("{to}, say `--accept-revision {}`", revision.id)
}
