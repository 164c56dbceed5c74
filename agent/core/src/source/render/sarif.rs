//! SARIF 2.1.0, for services that show findings beside the code: GitHub code scanning, Azure DevOps, `SonarQube`, editors.
//!
//! All stacks are one run. Messages are plain text; the one way to markup that the format has in plain text, `[text](target)`, is
//! taken from what manifests say.

mod log;

use std::collections::BTreeMap;
use std::fmt::Write;

use self::log::{
    Configuration, Descriptor, Driver, Invocation, Location, Log, Notification, ResultProperties, RuleProperties,
    RunProperties, SarifResult, SarifRun, Suppression, Text, Tool, VersionControl,
};
use super::fingerprint::Marker;
use super::place::Place;
use super::run::{ExceptedProblem, Found, Judged, RuleInfo, Run, Standing};
use super::text::escape;
use crate::allowed::Level;
use crate::allowed::RuleSeverity;
use crate::source::Severity;

/// The most tags of a rule that GitHub takes.
const MOST_TAGS: usize = 20;

/// The findings as a SARIF file.
///
/// What an exception lets through is a result with a suppression. What is not known is of the kind `open`; for this kind, the
/// standard asks for the level `none`.
pub fn render_sarif(run: &Run<'_>) -> String {
    let found = run.found();
    let mut rules: Vec<Descriptor> = run.rules.iter().map(descriptor).collect();
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for found in found.iter().filter(|found| found.rule.is_none()) {
        let code: &str = &found.problem.code;
        others.entry(code).or_insert_with(|| {
            rules.push(descriptor_of_problem(code));
            rules.len() - 1
        });
    }
    let mut marker = Marker::default();
    let results = found.iter().map(|found| {
        let index = found.rule.or_else(|| others.get(found.problem.code.as_ref()).copied());
        result(found, index.unwrap_or_default(), &mut marker)
    });
    let results = results.collect();
    let driver = Driver {
        name: run.tool.name.to_owned(),
        full_name: format!("{} {}", run.tool.name, run.tool.version),
        semantic_version: run.tool.version.to_owned(),
        information_uri: run.tool.uri.map(ToOwned::to_owned),
        rules,
    };
    let provenance = run.repository_uri().zip(run.revision).map(|(repository, revision)| {
        [VersionControl { repository_uri: repository.to_owned(), revision_id: revision.to_owned() }]
    });
    let log = Log::new(SarifRun {
        tool: Tool { driver },
        invocations: [invocation(run)],
        version_control_provenance: provenance,
        column_kind: "utf16CodeUnits",
        results,
        properties: RunProperties { policy_digest: run.digest.to_owned() },
    });
    // Texts and numbers: there is no way for this to fail, and an empty file is none that any reader takes.
    serde_json::to_string_pretty(&log).map(|text| text + "\n").unwrap_or_default()
}

fn invocation(run: &Run<'_>) -> Invocation {
    let mut notes = Vec::new();
    for stack in run.stacks {
        let name = escape(stack.name);
        if matches!(stack.judged, Judged::Failed(_)) {
            let text = format!("The rules could not be evaluated for the stack {name}.");
            notes.push(Notification { level: "error", message: Text::new(text) });
        }
        if stack.dropped() > 0 {
            let text = format!("The stack {name} has {} findings more than are told here.", stack.dropped());
            notes.push(Notification { level: "warning", message: Text::new(text) });
        }
    }
    Invocation {
        start_time_utc: run.started.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        execution_successful: !run.stacks.iter().any(|stack| matches!(stack.judged, Judged::Failed(_))),
        tool_execution_notifications: notes,
    }
}

fn result<'a>(found: &Found<'a>, rule_index: usize, marker: &mut Marker<'a>) -> SarifResult {
    let problem = found.problem;
    let open = found.standing == Standing::Open;
    let also = problem.also.iter().enumerate().filter_map(|(n, (span, label))| {
        let place = Place::new(span, found.stack.sources)?;
        Some(Location::of(&place).named(n + 1, sentence(label)))
    });
    let marks = marker.marks(found);
    SarifResult {
        rule_id: problem.code.to_string(),
        rule_index,
        kind: if open { "open" } else { "fail" },
        level: match problem.severity {
            _ if open => "none",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        message: Text::new(message(found)),
        locations: [Location::of(&found.place())],
        related_locations: also.collect(),
        partial_fingerprints: BTreeMap::from([
            ("gitopsFinding/v1", marks.own),
            ("primaryLocationLineHash", marks.line),
        ]),
        suppressions: found.exception.iter().map(|exception| suppression(found, exception)).collect(),
        properties: ResultProperties { stack: found.stack.name.to_owned() },
    }
}

fn suppression(found: &Found<'_>, exception: &ExceptedProblem) -> Suppression {
    let place = exception.place.as_ref().and_then(|span| Place::new(span, found.stack.sources));
    Suppression {
        kind: if exception.external { "external" } else { "inSource" },
        status: "accepted",
        justification: found.reason().unwrap_or_default(),
        location: place.as_ref().map(Location::of),
    }
}

/// What is wrong, and what to do about it.
fn message(found: &Found<'_>) -> String {
    let wrong = sentence(&found.problem.message);
    match &found.problem.hint {
        Some(hint) => format!("{wrong} Help: {}", sentence(hint)),
        None => wrong,
    }
}

/// A text of ours that may hold some of a manifest's, with a full stop; no part of it is a link.
fn sentence(text: &str) -> String {
    let text = escape(text).replace("](", "] (");
    if text.ends_with(['.', '!', '?', '…']) { text } else { text + "." }
}

fn descriptor(rule: &RuleInfo) -> Descriptor {
    let severity = match rule.level {
        Some(Level::Hard | Level::Soft) => "error",
        Some(Level::Advisory) | None => "warning",
    };
    let binding = match rule.level {
        Some(Level::Hard) => "hard",
        Some(Level::Soft) => "soft",
        Some(Level::Advisory) => "advisory",
        None => "off",
    };
    let references = rule.references.iter().map(|reference| format!("{} {}", reference.catalogue, reference.id));
    let references: Vec<String> = references.collect();
    let tags = ["security", "aws", &rule.family].into_iter().filter(|tag| !tag.is_empty()).map(ToOwned::to_owned);
    Descriptor {
        id: rule.id.clone(),
        name: pascal(&rule.id),
        short_description: Text::new(sentence(&rule.title)),
        full_description: Text::new(sentence(&rule.description)),
        help: help(rule, binding, &references),
        help_uri: rule.uri.clone(),
        default_configuration: Configuration { enabled: rule.level.is_some(), level: severity },
        properties: RuleProperties {
            tags: tags.chain(references).take(MOST_TAGS).collect(),
            precision: "very-high",
            problem_severity: severity,
            security_severity: Some(security_severity(rule.severity)),
            binding: Some(binding),
        },
    }
}

fn help(rule: &RuleInfo, binding: &str, references: &[String]) -> Text {
    let why = if rule.why.is_empty() { sentence(&rule.description) } else { sentence(&rule.why) };
    let mut text = format!("{why} The rule is {binding}, and its severity {}.", rule.severity.word());
    let mut markdown = format!("{why}\n\n- level: **{binding}**\n- severity: **{}**\n", rule.severity.word());
    if !references.is_empty() {
        let _ = write!(text, " It is also known as {}.", references.join(", "));
        let _ = writeln!(markdown, "- also known as: {}", references.join(", "));
    }
    Text { text, markdown: Some(markdown) }
}

/// Above 9 is critical for GitHub, from 7 high, from 4 medium, the rest low.
fn security_severity(severity: RuleSeverity) -> &'static str {
    match severity {
        RuleSeverity::Critical => "9.5",
        RuleSeverity::High => "8.0",
        RuleSeverity::Medium => "5.5",
        RuleSeverity::Low => "2.0",
    }
}

/// A kind of problem that no rule is about.
fn descriptor_of_problem(code: &str) -> Descriptor {
    let title = format!("The manifest or what belongs to it is not in order: {}.", code.replace('-', " "));
    let help = "Found before the rules are asked, or in the place of their verdict. The message says what to change.";
    Descriptor {
        id: code.to_owned(),
        name: pascal(code),
        short_description: Text::new(title.clone()),
        full_description: Text::new(title),
        help: Text::new(help),
        help_uri: None,
        default_configuration: Configuration { enabled: true, level: "error" },
        properties: RuleProperties {
            tags: vec!["manifest".to_owned()],
            precision: "very-high",
            problem_severity: "error",
            security_severity: None,
            binding: None,
        },
    }
}

/// `PrivateSubnetsOnly` of `private-subnets-only`; nothing where that would be the id again.
fn pascal(id: &str) -> Option<String> {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
    };
    let name: String = id.split(['-', '_']).map(word).collect();
    (!name.eq_ignore_ascii_case(id)).then_some(name)
}
