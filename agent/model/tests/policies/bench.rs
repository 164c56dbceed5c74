//! A stack from its files to what the rules say of it, the child's work done in this process.

use std::path::{Path, PathBuf};

use agent_core::allowed::{Finding, Judge};
use agent_core::desired::Desired;
use agent_core::lookup::{Answer, Answers, Question};
use agent_core::manifest::{Manifest, StackFiles, load};
use agent_core::plan::Plan;
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::expand::expand;
use agent_model::facts::Known;
use agent_model::policy_input;
use agent_policy::bundle::Bundle;
use agent_policy::child::{self, NoVerdict};
use agent_policy::judge::{Ask, Rules};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Answers as the child does.
pub struct Here;

impl Ask for Here {
    fn ask(&self, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, NoVerdict>> {
        let mut answer = Vec::new();
        let done = child::answer(question.as_slice(), &mut answer);
        std::future::ready(done.map(|()| answer).map_err(NoVerdict::Child)).boxed()
    }
}

pub fn document(desired: &Desired, plan: Option<&Plan>) -> Result<String, String> {
    let known = Known::of(&desired.networks);
    let document = policy_input::document(desired, plan, &known).map_err(|error| error.to_string())?;
    serde_json::to_string(&document).map_err(|error| error.to_string())
}

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A stack and what it wants.
pub struct Stack {
    pub sources: Sources,
    pub manifest: Manifest,
    pub desired: Desired,
}

impl Stack {
    /// The stack of a folder of this tree, or the rendered problems.
    pub fn new(files: &StackFiles, dir: &str, answers: &Answers) -> Result<Self, String> {
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let manifest = load(files, dir, &language(), &mut sources, &mut problems);
        let expanded = manifest.as_ref().and_then(|manifest| expand(manifest, answers, &mut problems));
        match (manifest, expanded) {
            (Some(manifest), Some(expanded)) if problems.is_empty() => {
                let desired = expanded.desired().map_err(|incoherent| format!("{incoherent:?}"))?;
                Ok(Self { sources, manifest, desired })
            }
            _ => Err(render_text(&problems, &sources, false)),
        }
    }

    /// What the rules say of what it wants.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings_of(Bundle::pack().unwrap())
    }

    /// What the rules of a bundle say of it.
    pub fn findings_of(&self, bundle: Bundle) -> Vec<Finding> {
        Rules::new(bundle, document, Here).desired(&self.desired).now_or_never().unwrap()
    }

    /// Findings as people see them.
    pub fn rendered(&self, findings: &[Finding]) -> String {
        let mut problems = Problems::new();
        for finding in findings {
            problems.push(self.manifest.problem(finding));
        }
        render_text(&problems, &self.sources, false)
    }

    /// The line of a finding.
    pub fn line(&self, finding: &Finding) -> Option<usize> {
        self.sources.line_col(&self.manifest.problem(finding).span?).map(|(line, _)| line)
    }
}

/// What AWS would answer in eu-west-1.
pub fn answers() -> Answers {
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(str::to_owned).to_vec();
    let list = |name: &str, id: &str| (Question::ManagedPrefixList(name.into()), Answer::Id(id.into()));
    let (s3, s3_id) = list("com.amazonaws.eu-west-1.s3", "pl-6da54004");
    let (cloudfront, cloudfront_id) = list("com.amazonaws.global.cloudfront.origin-facing", "pl-4fa04526");
    Answers::offline().with(Question::Zones, Answer::Zones(zones)).with(s3, s3_id).with(cloudfront, cloudfront_id)
}
