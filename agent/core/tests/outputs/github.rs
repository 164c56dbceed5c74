//! GitHub's workflow commands, read back as the runner reads them.

use std::collections::BTreeMap;

use agent_core::source::render::render_github;
use agent_core::source::{Problem, Problems, Severity, escape};

use crate::example::{Example, HOSTILE, Stack, example};

/// A command as the runner understands it.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    pub name: String,
    pub properties: BTreeMap<String, String>,
    pub data: String,
}

/// What the runner makes of what a program prints: its lines, and of each the command that begins it. A line without one is looked
/// through for commands of the old form; whether there are any is none of these tests' business, as no line may be without.
pub fn commands(output: &str) -> Vec<Result<Command, String>> {
    output.split_terminator(['\r', '\n']).map(|line| command(line).ok_or_else(|| line.to_owned())).collect()
}

fn command(line: &str) -> Option<Command> {
    let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    if !["error", "warning", "notice"].contains(&name) {
        return None;
    }
    let unescaped = |text: &str, codes: &[(&str, &str)]| {
        codes.iter().fold(text.to_owned(), |text, (code, means)| text.replace(code, means))
    };
    let pairs = properties.trim().split(',').filter_map(|pair| pair.split_once('='));
    let codes = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    let properties = pairs.map(|(key, value)| (key.to_lowercase(), unescaped(value, &codes))).collect();
    let data = unescaped(data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]);
    Some(Command { name: name.to_owned(), properties, data })
}

fn all(example: &Example) -> Vec<Command> {
    commands(&example.with(render_github)).into_iter().map(Result::unwrap).collect()
}

fn property<'a>(command: &'a Command, name: &str) -> &'a str {
    command.properties.get(name).map_or("", String::as_str)
}

#[test]
fn every_line_is_a_command_and_says_what_was_found() {
    let all = all(&example());
    let found =
        all.iter().find(|command| command.data.starts_with("`service.web` is in") && property(command, "line") == "6");
    let found = found.unwrap();
    assert_eq!((found.name.as_str(), property(found, "file")), ("error", "stacks/um/stack.toml"));
    assert_eq!((property(found, "col"), property(found, "endline")), ("1", "6"));
    assert_eq!(property(found, "title"), "um: two-findings");
    assert_eq!(found.data, "`service.web` is in a public subnet\nhelp: say `tier = \"private\"`");
    let several = all.iter().find(|command| property(command, "line") == "9").unwrap();
    assert_eq!((property(several, "endline"), property(several, "col")), ("11", ""), "columns are for one line alone");
    let nowhere = all.iter().find(|command| property(command, "title") == "um: no-place").unwrap();
    assert_eq!((property(nowhere, "file"), property(nowhere, "line")), ("stacks/um/stack.toml", "1"));
}

#[test]
fn no_text_gets_out_of_its_command() {
    let all = all(&example());
    let hostile = all.iter().find(|command| property(command, "title") == "um: hostile-rule").unwrap();
    assert_eq!(hostile.data, format!("{}\nhelp: {}", escape(HOSTILE), escape(HOSTILE)));
    assert_eq!(property(hostile, "file"), "stacks/base #1/ü, b:c%.toml");
    let broken = all.iter().find(|command| property(command, "title").ends_with(": syntax")).unwrap();
    assert_eq!(property(broken, "title"), format!("{}: syntax", escape(&format!("stacks/{HOSTILE}"))));
    assert_eq!(property(broken, "file"), escape(&format!("stacks/{HOSTILE}/stack.toml")));
    let names: Vec<&String> = broken.properties.keys().collect();
    assert_eq!(names, ["col", "endline", "file", "line", "title"]);
}

#[test]
fn errors_come_first_and_a_summary_last() {
    let all = all(&example());
    let kinds: Vec<&str> = all.iter().map(|command| command.name.as_str()).collect();
    let mut expected = vec!["error"; 9];
    expected.extend(["warning", "warning", "notice", "notice"]);
    assert_eq!(kinds, expected);
    assert_eq!(all.last().unwrap().data, "9 errors, 2 warnings, 1 not known, 2 excepted in 4 stacks");
    assert_eq!(property(all.last().unwrap(), "title"), "gitops-agent");
    let none = Example { rules: vec![], stacks: vec![Stack::new("a", "a/stack.toml")] }.with(render_github);
    assert_eq!(none, "::notice title=gitops-agent::no findings in 1 stack\n");
}

#[test]
fn no_more_is_printed_than_is_shown() {
    let mut stack = Stack::new("many", "stack.toml");
    for n in 0..=Problems::MOST {
        stack.problems.push(Problem::new("two-findings", n.to_string()));
    }
    for n in 0..20 {
        stack.notes.push(Problem::new("advice-only", n.to_string()).severity(Severity::Warning));
        stack.notes.push(Problem::new("not-known", n.to_string()).severity(Severity::Note));
    }
    let all = all(&Example { stacks: vec![stack], ..example() });
    for kind in ["error", "warning", "notice"] {
        assert_eq!(all.iter().filter(|command| command.name == kind).count(), 10, "{kind}");
    }
    let summary = "501 errors, 20 warnings, 20 not known in 1 stack; 512 of these are not shown here, as GitHub shows 10 of a kind";
    assert_eq!(all.last().unwrap().data, summary);
}
