//! The XML of `JUnit`, for services that show tests: GitLab, Jenkins, Azure DevOps. A stack is a suite, a rule a test, and so is
//! what no rule is about: the manifest.
//!
//! Nobody owns this format. What is written holds both schemas that are in use, the one of Jenkins' xUnit plugin (`junit-10.xsd`)
//! and the one of Apache Ant's reports (`JUnit.xsd` of Windy Road): no more than one failure in a test, and every attribute that
//! either asks for.

use std::fmt::Write;

use super::run::{Found, Judged, RuleInfo, Run, StackFindings, Standing};
use super::text::escape;
use super::xml::Element;

/// The findings as a `JUnit` report.
///
/// A test fails by what is in the way. It is skipped, with the reason, where a rule lacks a fact, where it was not asked, and where
/// only an exception lets its findings through; none of these is told to have passed. Advice is in the suite's output.
pub fn render_junit(run: &Run<'_>) -> String {
    let suites = run.stacks.iter().enumerate().map(|(n, stack)| suite(run, n, stack));
    Element::new("testsuites").children(suites).to_string()
}

/// What comes of a test.
enum Outcome {
    Passed,
    Failed(Element),
    Error(Element),
    Skipped(Element),
}

struct Case {
    classname: String,
    name: String,
    outcome: Outcome,
}

impl Case {
    fn element(self) -> Element {
        let case = Element::new("testcase").with("classname", self.classname).with("name", self.name).with("time", "0");
        match self.outcome {
            Outcome::Passed => case,
            Outcome::Failed(why) | Outcome::Error(why) | Outcome::Skipped(why) => case.child(why),
        }
    }
}

fn suite(run: &Run<'_>, n: usize, stack: &StackFindings<'_>) -> Element {
    let name = if stack.name.trim().is_empty() { ".".to_owned() } else { escape(stack.name) };
    let found = run.found_in(stack);
    let mut cases = vec![manifest(&name, stack, &found)];
    cases.extend(evaluation(&name, stack, &found));
    let asked = run.rules.iter().enumerate().filter(|(_, rule)| rule.level.is_some());
    cases.extend(asked.map(|(index, rule)| {
        let of_rule: Vec<&Found<'_>> = found.iter().filter(|found| found.rule == Some(index)).collect();
        let family = if rule.family.is_empty() { "rules" } else { &rule.family };
        Case {
            // Services take two tests with the same names for one, whatever suite they are in.
            classname: format!("{name}.{}", escape(family)),
            name: rule.id.clone(),
            outcome: outcome(rule, stack, &of_rule),
        }
    }));
    let count = |of: fn(&Outcome) -> bool| cases.iter().filter(|case| of(&case.outcome)).count().to_string();
    Element::new("testsuite")
        .with("name", name)
        .with("id", n.to_string())
        .with("package", run.tool.name)
        .with("timestamp", run.started.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        .with("hostname", "localhost")
        .with("tests", cases.len().to_string())
        .with("failures", count(|outcome| matches!(outcome, Outcome::Failed(_))))
        .with("errors", count(|outcome| matches!(outcome, Outcome::Error(_))))
        .with("skipped", count(|outcome| matches!(outcome, Outcome::Skipped(_))))
        .with("time", "0")
        .child(properties(run))
        .children(cases.into_iter().map(Case::element))
        .child(Element::new("system-out").text(beside(stack, &found)))
        .child(Element::new("system-err"))
}

fn properties(run: &Run<'_>) -> Element {
    let all = [("version", Some(run.tool.version)), ("policy-digest", Some(run.digest)), ("revision", run.revision)];
    let one = |(name, value): (&str, Option<&str>)| {
        Some(Element::new("property").with("name", name).with("value", escape(value?)))
    };
    Element::new("properties").children(all.into_iter().filter_map(one))
}

/// What no rule is about.
fn manifest(name: &str, stack: &StackFindings<'_>, found: &[Found<'_>]) -> Case {
    let fails = found.iter().filter(|found| {
        let evaluation = matches!(stack.judged, Judged::Failed(code) if found.problem.code == code);
        found.rule.is_none() && found.standing == Standing::Fails && !evaluation
    });
    let fails: Vec<&Found<'_>> = fails.collect();
    let outcome = match fails.first() {
        Some(first) => Outcome::Failed(told("failure", &first.problem.code, &fails)),
        None => Outcome::Passed,
    };
    Case { classname: format!("{name}.manifest"), name: "manifest".to_owned(), outcome }
}

/// That the rules could not be evaluated.
fn evaluation(name: &str, stack: &StackFindings<'_>, found: &[Found<'_>]) -> Option<Case> {
    let Judged::Failed(code) = stack.judged else { return None };
    let why: Vec<&Found<'_>> = found.iter().filter(|found| found.problem.code == code).collect();
    let element = told("error", code, &why);
    Some(Case { classname: format!("{name}.rules"), name: code.to_owned(), outcome: Outcome::Error(element) })
}

fn outcome(rule: &RuleInfo, stack: &StackFindings<'_>, found: &[&Found<'_>]) -> Outcome {
    let of = |standing| found.iter().copied().filter(|found| found.standing == standing).collect::<Vec<_>>();
    let skipped = |message: String| Outcome::Skipped(Element::new("skipped").with("message", message));
    let fails = of(Standing::Fails);
    if !fails.is_empty() {
        return Outcome::Failed(told("failure", &rule.id, &fails));
    }
    if let Some(first) = of(Standing::Open).first() {
        return skipped(format!("not known: {}", escape(&first.problem.message)));
    }
    if let Some(reason) = of(Standing::Excepted).first().and_then(|first| first.reason()) {
        return skipped(format!("excepted: {reason}"));
    }
    match stack.judged {
        Judged::No => skipped("not asked: what the stack wants is not known".to_owned()),
        Judged::Failed(code) => skipped(format!("not evaluated: {}", escape(code))),
        Judged::Yes if stack.dropped() > 0 => {
            skipped(format!("not told: the stack has {} findings more than are kept", stack.dropped()))
        }
        Judged::Yes => Outcome::Passed,
    }
}

/// Why a test fails: the first finding as its message, all of them as its text.
fn told(name: &'static str, kind: &str, found: &[&Found<'_>]) -> Element {
    let first = found.first().map(|found| escape(&found.problem.message)).unwrap_or_default();
    let more = if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
    let text: String = found.iter().map(|found| lines(found)).collect();
    Element::new(name).with("type", escape(kind)).with("message", first + &more).text(text)
}

/// What is not in the way, and what nobody sees otherwise.
fn beside(stack: &StackFindings<'_>, found: &[Found<'_>]) -> String {
    let mut text = String::new();
    for found in found.iter().filter(|found| found.standing != Standing::Fails) {
        let _ = write!(text, "{} ({}): {}", found.standing.word(), escape(&found.problem.code), lines(found));
        if let Some(reason) = found.reason() {
            let _ = writeln!(text, "  reason: {reason}");
        }
    }
    if stack.dropped() > 0 {
        let _ = writeln!(text, "and {} findings more", stack.dropped());
    }
    text
}

/// A finding with its place, what else belongs to it, and what to do.
fn lines(found: &Found<'_>) -> String {
    let mut text = format!("{}: {}\n", found.place().shown(), escape(&found.problem.message));
    for (span, label) in &found.problem.also {
        if let Some(place) = super::place::Place::new(span, found.stack.sources) {
            let _ = writeln!(text, "  also: {}: {}", place.shown(), escape(label));
        }
    }
    if let Some(hint) = &found.problem.hint {
        let _ = writeln!(text, "  help: {}", escape(hint));
    }
    text
}
