//! The header of a stack: `[stack]`, typed and checked. What it means (assuming the account, writing tags) is done
//! elsewhere.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::decode;
use super::names;
use super::tree::Node;
use crate::source::{Problem, Problems, Span};
use crate::state::{LONGEST_REASON, is_reason};

/// Prefix of the tags by which the agent knows what it owns.
pub const OWN_TAG_PREFIX: &str = "gitops-agent:";
/// Most tags of a stack. AWS allows 50 on a resource; the rest is for the agent's own and for those of components.
pub const MOST_TAGS: usize = 40;

/// What the agent does with the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Makes AWS equal to the manifests.
    #[default]
    Apply,
    /// Plans and reports, and writes nothing: `agent apply` shows what it would do, and `agent destroy` refuses.
    Report,
}

/// What this revision may do that is otherwise refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// Stateful components that may be deleted or replaced: `database.main`.
    pub delete: Vec<String>,
    /// Components that this revision may remove beyond the budget.
    pub removals: u32,
}

/// `[stack]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackHeader {
    /// The name of the stack, unique in the account.
    pub name: String,
    /// The folder of the stack that this one is laid over, relative to its own: `"../base"`. Tables are merged, all else
    /// is replaced, and `service.web = false` takes a component away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// The AWS account, twelve digits; needed to apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The AWS region: `eu-west-1`.
    pub region: String,
    /// Whether to apply or only to report.
    #[serde(default)]
    pub mode: Mode,
    /// Why nothing of the stack is to be changed for now: it is neither planned nor changed, `agent apply` and `agent destroy` refuse,
    /// and the reason is shown in its status. `agent suspend` does the same without a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<String>,
    /// Tags for all resources of the stack.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The image that unpacks config files inside tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_image: Option<String>,
    /// What this revision may do that is otherwise refused.
    #[serde(default)]
    pub allow: Allow,
}

impl StackHeader {
    /// Reads `[stack]` and reports all that is wrong with it.
    pub fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let header: Self = decode(node, "stack", problems)?;
        let before = problems.len();
        header.check(node, problems);
        (problems.len() == before).then_some(header)
    }

    fn check(&self, node: &Node, problems: &mut Problems) {
        let at = |path: &[&str]| node.locate(path);
        if let Some(problem) = check_stack_name(&self.name, &at(&["name"])) {
            problems.push(problem);
        }
        if let Some(account) = &self.account
            && (account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()))
        {
            let problem = Problem::new("bad-account", format!("`{account}` is no AWS account number"));
            problems.push(problem.at(&at(&["account"])).hint("it has exactly twelve digits: `\"123456789012\"`"));
        }
        if !is_region(&self.region) {
            let problem = Problem::new("bad-region", format!("`{}` is no AWS region", self.region));
            problems.push(problem.at(&at(&["region"])).hint("regions look like `eu-west-1`"));
        }
        if self.suspend.as_ref().is_some_and(|reason| !is_reason(reason)) {
            let problem =
                Problem::new("bad-reason", format!("`suspend` is one line of 1 to {LONGEST_REASON} characters"));
            let hint = "say why: `suspend = \"the database is being moved\"`";
            problems.push(problem.at(&at(&["suspend"])).hint(hint));
        }
        if self.files_image.as_ref().is_some_and(|image| image.is_empty() || image.contains(char::is_whitespace)) {
            let problem = Problem::new("bad-image", "`files_image` is no name of an image");
            problems.push(problem.at(&at(&["files_image"])).hint("for example `registry/gitops-agent@sha256:…`"));
        }
        check_tags(&self.tags, "stack.tags", node, &["tags"], problems);
        for (index, entry) in self.allow.delete.iter().enumerate() {
            let plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
            if !entry.split_once('.').is_some_and(|(kind, name)| plain(kind) && plain(name)) {
                let problem = Problem::new("bad-reference", format!("`{entry}` is no component"));
                let span = at(&["allow", "delete", &index.to_string()]);
                problems.push(problem.at(&span).hint("write type and name: `\"database.main\"`"));
            }
        }
    }
}

fn check_stack_name(name: &str, span: &Span) -> Option<Problem> {
    names::check(names::NameRule::Plain, "stack", name, span).or_else(|| {
        let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
        (!letter).then(|| {
            Problem::new("bad-name", format!("`{name}` is no name for a stack: it must begin with a letter")).at(span)
        })
    })
}

/// Whether it has the shape of a region: `eu-west-1`, `us-gov-east-1`. Which regions there are is AWS's to say.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [start @ .., number] = parts.as_slice() else { return false };
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    (2..=3).contains(&start.len())
        && start.iter().all(word)
        && start.first().is_some_and(|first| first.len() <= 4)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// Checks tags against the rules that hold for all of AWS
/// (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>) and against our own.
/// `path` leads from `node` to the table of tags, called `name` in messages.
pub fn check_tags(tags: &BTreeMap<String, String>, name: &str, node: &Node, path: &[&str], problems: &mut Problems) {
    if tags.len() > MOST_TAGS {
        let message = format!("`{name}` has {} tags, and may have {MOST_TAGS} at most", tags.len());
        let hint = "AWS allows 50 on a resource, and the agent needs some of them";
        problems.push(Problem::new("bad-tag", message).at(&node.locate(path)).hint(hint));
    }
    check_each_tag(tags, node, path, problems);
}

/// Checks keys and values of tags, however many there may be.
pub fn check_each_tag(tags: &BTreeMap<String, String>, node: &Node, path: &[&str], problems: &mut Problems) {
    for (key, value) in tags {
        let at = [path, &[key.as_str()]].concat();
        let mut bad = |span: Span, what: String, hint: Option<&str>| {
            let problem = Problem::new("bad-tag", what).at(&span);
            problems.push(Problem { hint: hint.map(ToOwned::to_owned), ..problem });
        };
        let key_span = || node.locate_key(&at);
        if key.is_empty() {
            bad(key_span(), "the key of the tag is empty".to_owned(), None);
        }
        if key.chars().count() > 128 {
            let has = key.chars().count();
            bad(key_span(), format!("the key of the tag has {has} characters, and may have 128 at most"), None);
        }
        if value.chars().count() > 256 {
            let has = value.chars().count();
            let what = format!("the value of the tag `{key}` has {has} characters, and may have 256 at most");
            bad(node.locate(&at), what, None);
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            let hint = "AWS keeps these for itself";
            bad(key_span(), format!("the tag `{key}` begins with `aws:`"), Some(hint));
        }
        if key.starts_with(OWN_TAG_PREFIX) {
            let hint = "the agent writes these to know what it owns";
            bad(key_span(), format!("the tag `{key}` begins with `{OWN_TAG_PREFIX}`"), Some(hint));
        }
        let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
        let hint = "tags hold letters, digits, spaces and `_ . : / = + - @`";
        if let Some(c) = key.chars().find(|c| !allowed(*c)) {
            bad(key_span(), format!("the key of the tag `{key}` holds the character `{c}`"), Some(hint));
        }
        if let Some(c) = value.chars().find(|c| !allowed(*c)) {
            bad(node.locate(&at), format!("the value of the tag `{key}` holds the character `{c}`"), Some(hint));
        }
    }
}
