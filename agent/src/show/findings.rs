//! What `agent validate` found, for the forms that pipelines read: the findings of all stacks, and the rules that were asked.

use agent_core::source::render::{Judged, Reference, RuleInfo, Run, StackFindings, Tool};
use agent_policy::bundle::Bundle;
use agent_policy::judge::CHILD;
use agent_policy::metadata::{Pass, Rule};
use jiff::Timestamp;

use crate::load::{Stack, Tree};

/// The catalogues in which others ask for the same, in the words of METADATA.
pub const CATALOGUES: [(&str, &str); 4] =
    [("fsbp", "Security Hub"), ("checkov", "Checkov"), ("trivy", "Trivy"), ("guard", "cfn-guard")];

/// A run over stacks, those that `judged` says so judged by the rules of a bundle and by those that the repository adds.
pub struct Found<'a> {
    /// The rules in force.
    pub bundle: &'a Bundle,
    /// The manifests.
    pub tree: &'a Tree,
    /// The stacks.
    pub stacks: &'a [Stack],
    /// Of each, whether rules were asked.
    pub judged: Vec<bool>,
    /// When it began.
    pub started: Timestamp,
}

impl Found<'_> {
    /// Draws it.
    pub fn drawn(&self, draw: fn(&Run<'_>) -> String) -> String {
        let names: Vec<(String, String)> = self.stacks.iter().map(|stack| (stack.name(), stack.file())).collect();
        let rules = self.rules();
        let stacks: Vec<StackFindings<'_>> = self
            .stacks
            .iter()
            .zip(&names)
            .zip(&self.judged)
            .map(|((stack, (name, file)), judged)| StackFindings {
                name,
                file,
                sources: &stack.sources,
                problems: &stack.problems,
                notes: &stack.notes,
                excepted: &stack.excepted,
                judged: verdicts(stack, *judged),
            })
            .collect();
        // A folder has no commit: its digest is nothing that others know.
        let is_commit = !self.tree.revision.id.starts_with("folder-");
        draw(&Run {
            tool: Tool { name: "gitops-agent", version: env!("CARGO_PKG_VERSION"), uri: None },
            rules: &rules,
            digest: self.bundle.digest(),
            revision: is_commit.then_some(self.tree.revision.id.as_str()),
            repository: is_commit.then_some(self.tree.revision.source.as_str()),
            started: self.started,
            stacks: &stacks,
        })
    }

    /// The rules in force, and those that the repository adds, which all of its stacks have in common. None of those about what
    /// is about to be done: nothing is.
    fn rules(&self) -> Vec<RuleInfo> {
        let own = self.stacks.iter().find_map(|stack| stack.policies.as_ref());
        let added = own.and_then(|policies| self.bundle.added(policies).ok());
        let added = added.iter().flat_map(Bundle::rules);
        self.bundle.rules().iter().chain(added).filter(|rule| rule.pass == Pass::Desired).map(info).collect()
    }
}

fn verdicts(stack: &Stack, judged: bool) -> Judged<'static> {
    match judged {
        false => Judged::No,
        true if stack.problems.iter().any(|problem| problem.code == CHILD) => Judged::Failed(CHILD),
        true => Judged::Yes,
    }
}

fn info(rule: &Rule) -> RuleInfo {
    let references = CATALOGUES.iter().flat_map(|(key, catalogue)| {
        let ids = rule.custom.get(*key).map(String::as_str).unwrap_or_default().split(',');
        let ids = ids.map(str::trim).filter(|id| !id.is_empty());
        ids.map(|id| Reference { catalogue: (*catalogue).to_owned(), id: id.to_owned() })
    });
    RuleInfo {
        id: rule.id.clone(),
        family: rule.family().to_owned(),
        title: rule.title.clone(),
        description: rule.description.clone(),
        why: rule.why.clone(),
        severity: rule.severity,
        level: rule.level,
        references: references.collect(),
        uri: None,
    }
}
