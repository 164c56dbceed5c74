//! What a policy says about itself: its package, and the `# METADATA` block in front of it. The block is YAML in comments;
//! what is read here is the part of it that rules use: keys with one-line values, one level of nesting, lists.

use std::collections::BTreeMap;

use agent_core::allowed::{Level, RuleSeverity};
use serde::{Deserialize, Serialize};

/// When a rule is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// Over what a revision wants.
    #[default]
    Desired,
    /// Over what is about to be done.
    Plan,
}

/// One rule: a package of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The file that it stands in: `network/private-subnets-only.rego`.
    pub file: String,
    /// Its name: `private-subnets-only`.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// In full.
    pub description: String,
    /// Why it matters, in a sentence or two.
    pub why: String,
    /// How much harm what it finds can do.
    pub severity: RuleSeverity,
    /// How binding its `deny` is; its `warn` is advice. `None`: it is not asked, unless the agent's configuration says so.
    pub level: Option<Level>,
    /// When it is asked.
    pub pass: Pass,
    /// `gitops.private_subnets_only`
    pub package: String,
    /// Everything under `custom`, lists joined with commas.
    pub custom: BTreeMap<String, String>,
}

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub struct BadPolicy {
    /// Which.
    pub file: String,
    /// Why.
    pub why: String,
}

/// The level of that name; `None` for `off`.
pub fn level(name: &str) -> Option<Option<Level>> {
    match name {
        "hard" => Some(Some(Level::Hard)),
        "soft" => Some(Some(Level::Soft)),
        "advisory" => Some(Some(Level::Advisory)),
        "off" => Some(None),
        _ => None,
    }
}

impl Rule {
    /// The folder that its file is in: `network`.
    pub fn family(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder.rsplit('/').next().unwrap_or(folder))
    }
}

/// What a policy says about itself; nothing where it is a library: a package with the word `lib` in its name, which rules
/// import and nobody asks.
pub fn rule(file: &str, text: &str) -> Result<Option<Rule>, BadPolicy> {
    let bad = |why: String| BadPolicy { file: file.to_owned(), why };
    let package = package(text).ok_or_else(|| bad("it names no package".to_owned()))?;
    if package.split('.').any(|word| word == "lib") {
        return match text.lines().find_map(verdict) {
            Some(set) => Err(bad(format!("it has `{set}`, and nobody asks a library: its package has the word `lib`"))),
            None => Ok(None),
        };
    }
    let (mut top, custom) = block(text).map_err(bad)?;
    let last = package.rsplit('.').next().unwrap_or(&package);
    let id = custom.get("id").cloned().unwrap_or_else(|| last.replace('_', "-"));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err(bad(format!("`{id}` is no id of a rule: small letters, digits and `-`, 64 at most")));
    }
    let word = custom.get("level").map_or("hard", String::as_str);
    let level = level(word).ok_or_else(|| bad(format!("`{word}` is no level: hard, soft, advisory or off")))?;
    let severity = match custom.get("severity").map(String::as_str) {
        Some("low") => RuleSeverity::Low,
        None | Some("medium") => RuleSeverity::Medium,
        Some("high") => RuleSeverity::High,
        Some("critical") => RuleSeverity::Critical,
        Some(other) => return Err(bad(format!("`{other}` is no severity: low, medium, high or critical"))),
    };
    let pass = match custom.get("pass").map(String::as_str) {
        None | Some("desired") => Pass::Desired,
        Some("plan") => Pass::Plan,
        Some(other) => return Err(bad(format!("`{other}` is no pass: desired or plan"))),
    };
    let (title, description) = (top.remove("title").unwrap_or_default(), top.remove("description").unwrap_or_default());
    let why = custom.get("why").cloned().unwrap_or_default();
    Ok(Some(Rule { file: file.to_owned(), id, title, description, why, severity, level, pass, package, custom }))
}

/// The set of findings that a line is the head of.
fn verdict(line: &str) -> Option<&'static str> {
    let word = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    ["deny", "warn", "unknown"].into_iter().find(|set| *set == word)
}

/// The package of a text: words with dots between them, nothing else, because it goes into a query.
pub(crate) fn package(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("package "))?;
    let name = line.split('#').next().unwrap_or_default().trim();
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    (name.len() <= 200 && name.split('.').all(word)).then(|| name.to_owned())
}

type Said = (BTreeMap<String, String>, BTreeMap<String, String>);

/// The keys of the block, and those under `custom`.
fn block(text: &str) -> Result<Said, String> {
    let mut lines = text.lines().skip_while(|line| *line != "# METADATA").skip(1);
    let (mut top, mut custom) = Said::default();
    let mut under = String::new();
    let mut list = String::new();
    for line in lines.by_ref().map_while(|line| line.strip_prefix('#')) {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        let indent = line.len() - line.trim_start().len();
        let content = line.trim();
        let wrong = || format!("a line of its METADATA is not understood: `{content}`");
        if content.is_empty() {
            continue;
        }
        if let Some(item) = content.strip_prefix("- ") {
            if list.is_empty() || under != "custom" {
                // Lists of OPA's own, such as `schemas`, are none of ours.
                continue;
            }
            let all: &mut String = custom.entry(list.clone()).or_default();
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(unquoted(item));
            continue;
        }
        let (key, value) = content.split_once(':').ok_or_else(wrong)?;
        let value = unquoted(value.trim());
        if matches!(value, "|" | ">" | "|-" | ">-") {
            return Err(format!("`{key}` of its METADATA goes over several lines: write it on one"));
        }
        match indent {
            0 if value.is_empty() => (under, list) = (key.to_owned(), String::new()),
            0 => drop(top.insert(key.to_owned(), value.to_owned())),
            _ if under == "custom" && value.is_empty() => key.clone_into(&mut list),
            _ if under == "custom" => drop(custom.insert(key.to_owned(), value.to_owned())),
            _ => {}
        }
    }
    Ok((top, custom))
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GOOD: &str = "# A licence.\n\n# METADATA\n# title: No cats\n# description: \"They: scratch\"\n# scope: package\n\
        # custom:\n#   id: no-cats\n#   level: soft\n#   severity: high\n#   fsbp:\n#     - EC2.1\n#     - EC2.2\n\
        package org.no_cats\n";

    #[test]
    fn a_policy_says_what_it_is() {
        let rule = rule("a.rego", GOOD).unwrap().unwrap();
        assert_eq!((rule.id.as_str(), rule.level, rule.pass), ("no-cats", Some(Level::Soft), Pass::Desired));
        assert_eq!((rule.title.as_str(), rule.description.as_str()), ("No cats", "They: scratch"));
        assert_eq!(rule.custom["fsbp"], "EC2.1, EC2.2");
        assert_eq!(rule.package, "org.no_cats");
    }

    #[test]
    fn a_policy_that_says_nothing_is_hard() {
        let rule = rule("a.rego", "package no_dogs\n").unwrap().unwrap();
        assert_eq!((rule.id.as_str(), rule.level), ("no-dogs", Some(Level::Hard)));
    }

    #[test]
    fn a_library_that_denies_is_a_mistake_because_nobody_asks_it() {
        assert_eq!(rule("a.rego", "package org.lib.tls\n\nhelp(x) := x\n").unwrap(), None);
        for head in ["deny contains msg if {", "warn[msg] {", "unknown := set()", "deny := []"] {
            let text = format!("package org.lib.tls\n\n{head}\n");
            let why = rule("a.rego", &text).unwrap_err().to_string();
            assert!(why.contains("nobody asks a library"), "{head}: {why}");
        }
        assert_eq!(rule("a.rego", "package lib.a\n\ndenying(x) := x\n").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_understood_is_no_rule() {
        let wrong = |from: &str, to: &str| rule("a.rego", &GOOD.replace(from, to)).unwrap_err().to_string();
        for (from, to, why) in [
            ("level: soft", "level: maybe", "a.rego: `maybe` is no level: hard, soft, advisory or off"),
            ("severity: high", "severity: big", "a.rego: `big` is no severity: low, medium, high or critical"),
            ("level: soft", "pass: never", "a.rego: `never` is no pass: desired or plan"),
            (
                "id: no-cats",
                "id: No Cats",
                "a.rego: `No Cats` is no id of a rule: small letters, digits and `-`, 64 at most",
            ),
            ("title: No cats", "title", "a.rego: a line of its METADATA is not understood: `title`"),
            ("title: No cats", "title: >", "a.rego: `title` of its METADATA goes over several lines: write it on one"),
            ("package org.no_cats", "package org[\"x\"]", "a.rego: it names no package"),
            ("package org.no_cats", "", "a.rego: it names no package"),
        ] {
            assert_eq!(wrong(from, to), why);
        }
    }
}
