//! Which stacks a commit has, and which of them its source may touch: `stacks` in the configuration. What it may not is told, and
//! nothing else happens to it; the other stacks of the commit go on.

use agent_core::source::Problem;
use agent_core::state::Origin;
use tracing::{info, info_span, warn};

use super::{Agent, Place, pass, short};
use crate::config::stacks::{Claim, claim};
use crate::git::url::identity;
use crate::load::Stack;

impl Agent {
    /// What stacks of a source belong to.
    pub(super) fn origin(&self, source: usize) -> Origin {
        let unknown = || Origin { repository: String::new(), branch: String::new(), path: String::new() };
        self.sources.get(source).map_or_else(unknown, |source| source.origin())
    }

    /// The name of a stack. Of one that cannot be read it is the one that the folder had before: it is still there, and must not be
    /// told to be gone.
    pub(super) fn name_of(&self, source: usize, stack: &Stack) -> String {
        let mut known = self.known.iter().filter(|_| stack.manifest.is_none());
        let before = known.find(|(_, known)| known.source == source && known.dir == stack.dir);
        before.map_or_else(|| stack.name(), |(name, _)| name.clone())
    }

    /// Where a stack lives. That it moves is told: it is made anew there, and nobody looks after what it has where it was.
    pub(super) fn place_of(&self, name: &str, stack: &Stack) -> Option<Place> {
        let before = self.known.get(name).and_then(|known| known.place.clone());
        let Some(header) = stack.manifest.as_ref().map(|manifest| &manifest.stack) else { return before };
        let place = (header.account.clone(), header.region.clone());
        if let Some((account, region)) = before.filter(|before| *before != place) {
            let account = account.map(|account| format!(" --account {account}")).unwrap_or_default();
            warn!(
                stack = name,
                "the stack has another account or region now; what it has where it was is left as it is: \
                 `agent destroy {name}{account} --region {region}` deletes it"
            );
        }
        Some(place)
    }

    /// Whether a source may touch a stack. What is in the way is told.
    pub(super) fn is_for(&self, source: usize, name: &str, stack: &Stack, revision: &str) -> bool {
        let configured = || self.sources.iter().map(|source| &source.config);
        let others = match claim(configured(), source, name) {
            Claim::Own => return true,
            // It has no name that is known, and its problems are what people need to see, unless another stack is called so.
            Claim::Nobodys if stack.manifest.is_none() => return true,
            Claim::Nobodys => None,
            Claim::Others(other) => self.sources.get(other),
        };
        let _span = info_span!("reconcile", stack = name, revision = short(revision)).entered();
        let (origin, theirs) = (self.origin(source), others.map(|other| other.origin()));
        match (&theirs, &stack.manifest) {
            (_, None) => pass::problems(stack).iter().for_each(pass::Hindrance::tell),
            // A branch that feeds one environment has the folders of the others as well.
            (Some(theirs), _) if identity(&theirs.repository) == identity(&origin.repository) => {
                info!("the stack is not for {origin}: it is left to {theirs}");
            }
            (_, Some(manifest)) => {
                let at = manifest.stack_node.locate(&["name"]);
                let problem = not_allowed(name, &origin, theirs.as_ref()).at(&at);
                pass::hindrance(&problem, stack).tell();
            }
        }
        false
    }
}

fn not_allowed(name: &str, origin: &Origin, theirs: Option<&Origin>) -> Problem {
    let (message, hint) = match theirs {
        Some(theirs) => (
            format!("the stack `{name}` is not for {origin}: it is {theirs} that may touch it"),
            "give the stack another name, take its folder away, or change `stacks` in the agent's configuration"
                .to_owned(),
        ),
        None => (
            format!("the stack `{name}` is not for {origin}, whose `stacks` do not name it"),
            format!("add `{name}` to `stacks` of that source in the agent's configuration, or take the folder away"),
        ),
    };
    Problem::new("stack-not-allowed", message).hint(hint)
}
