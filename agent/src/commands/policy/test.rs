//! `agent policy test`: whether the policies of a folder do what stands beside them.

use std::collections::BTreeMap;
use std::path::Path;

use agent_core::allowed::{Finding, Judge, Level};
use agent_core::manifest::{FileEntry, StackFiles, is_rego};
use agent_core::pass::Revision;
use agent_policy::bundle::Bundle;
use agent_policy::child::{NoVerdict, test_question, tests};
use agent_policy::judge::{CHILD, Rules};
use agent_policy::trial::{Case, HERE, Trial};
use serde_json::json;

use crate::cli::Output;
use crate::commands::{Context, End, pretty};
use crate::load::{Stack, Tree, offline, stacks};
use crate::policy::{Child, NoRules, document, of_folder};
use crate::printer::Tone;

/// What one test or manifest came to.
struct Tried {
    /// Where it stands.
    file: String,
    /// The test; nothing for a manifest.
    test: Option<String>,
    /// What is wrong with it.
    wrong: Option<String>,
}

/// Runs it.
pub async fn run(context: &Context<'_>, dir: &Path) -> End {
    let trial = match trial(dir) {
        Ok(trial) => trial,
        Err(error) => {
            context.printer.error(&error.to_string(), None);
            return if matches!(error, NoRules::Bad(_)) { End::Findings } else { End::Usage };
        }
    };
    let mut all = match tested(&trial).await {
        Ok(all) => all,
        Err(why) => {
            context.printer.error(&why.to_string(), None);
            return End::Findings;
        }
    };
    for case in &trial.cases {
        let wrong = tried(&trial.bundle, case).await;
        all.push(Tried { file: case.file.clone(), test: None, wrong });
    }
    let failed = all.iter().filter(|one| one.wrong.is_some()).count();
    show(context, &trial, &all);
    if failed > 0 { End::Findings } else { End::Done }
}

fn trial(dir: &Path) -> Result<Trial, NoRules> {
    let mut files = BTreeMap::new();
    for (path, entry) in of_folder(dir)?.files {
        match entry {
            FileEntry::Bytes(bytes) => {
                files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
            _ if is_rego(&path) => return Err(NoRules::NoFile(path)),
            _ => {}
        }
    }
    let trial = Trial::new(&files)?;
    if trial.bundle.rules().is_empty() { Err(NoRules::Empty(dir.display().to_string())) } else { Ok(trial) }
}

/// The tests of all files, in one child.
async fn tested(trial: &Trial) -> Result<Vec<Tried>, NoVerdict> {
    let packages: Vec<String> = trial.tests.iter().map(|tests| tests.package.clone()).collect();
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let answer = Child::answer(test_question(&trial.policies, &packages)).await?;
    let hold = tests(&answer, packages.len())?;
    let all = trial.tests.iter().zip(hold).flat_map(|(tests, hold)| {
        let file = &tests.file;
        tests.names.iter().map(move |name| {
            let wrong = (!hold.contains(name)).then(|| "it does not hold".to_owned());
            Tried { file: file.clone(), test: Some(name.clone()), wrong }
        })
    });
    Ok(all.collect())
}

/// What is wrong with a manifest, asked of its rule alone.
async fn tried(bundle: &Bundle, case: &Case) -> Option<String> {
    let (mut stack, desired) = match expanded(case) {
        Ok(expanded) => expanded,
        Err(why) => return Some(why),
    };
    let levels = bundle.rules().iter().map(|rule| {
        let level = rule.level.unwrap_or(Level::Advisory);
        (rule.id.clone(), (rule.id == case.rule).then_some(level))
    });
    let Ok(alone) = bundle.clone().with_levels(&levels.collect()) else {
        return Some("there is no such rule".to_owned());
    };
    let found = Rules::new(alone, document, Child).desired(&desired).await;
    if let Some(broken) = found.iter().find(|finding| finding.rule == CHILD) {
        return Some(broken.message.clone());
    }
    if case.passes {
        return found.first().map(|finding| format!("it is to pass: {}", finding.message));
    }
    if found.iter().all(|finding| finding.unknown.is_some()) {
        return Some("nothing was found".to_owned());
    }
    let marked = case.text.lines().position(|line| line.trim_end().ends_with(HERE))?;
    misplaced(&mut stack, &found, marked + 1)
}

fn misplaced(stack: &mut Stack, found: &[Finding], marked: usize) -> Option<String> {
    let manifest = stack.manifest.clone()?;
    let place = |finding: &Finding| stack.sources.line_col(&manifest.problem(finding).span?).map(|(line, _)| line);
    let stray = found.iter().find(|finding| place(finding) != Some(marked))?;
    let at = place(stray).map_or("no line".to_owned(), |line| format!("line {line}"));
    Some(format!("{at} is blamed, and line {marked} is marked: {}", stray.message))
}

fn expanded(case: &Case) -> Result<(Stack, agent_core::desired::Desired), String> {
    let files = [("stack.toml".to_owned(), FileEntry::Bytes(case.text.as_bytes().to_vec()))].into();
    let files = StackFiles { files, ..StackFiles::default() };
    let revision = Revision { id: String::new(), source: case.file.clone() };
    let stack = stacks(&Tree { files, revision }, None).map_err(|error| error.to_string())?.pop();
    let mut stack = stack.ok_or("there is no stack in it")?;
    let desired = offline(&mut stack).map(|(desired, _)| desired);
    let first = |stack: &Stack| {
        let problem = stack.problems.iter().next();
        problem.map_or("it has problems".to_owned(), |problem| format!("it has problems: {}", problem.message))
    };
    desired.ok_or_else(|| first(&stack)).map(|desired| (stack, desired))
}

fn show(context: &Context<'_>, trial: &Trial, all: &[Tried]) {
    let failed: Vec<&Tried> = all.iter().filter(|one| one.wrong.is_some()).collect();
    let tests = all.iter().filter(|one| one.test.is_some()).count();
    if context.output == Output::Json {
        let tried = all.iter().map(|one| json!({ "file": one.file, "test": one.test, "wrong": one.wrong }));
        let (rules, tried) = (trial.bundle.rules().len(), tried.collect::<Vec<_>>());
        let failed = failed.len();
        context.printer.result(&pretty(&json!({ "rules": rules, "tried": tried, "failed": failed })));
        return;
    }
    for one in &failed {
        let (test, wrong) = (one.test.as_deref().unwrap_or_default(), one.wrong.as_deref().unwrap_or_default());
        let name = format!("{} {test}", one.file);
        let line = format!("{}  {}: {wrong}", context.printer.tone(Tone::Remove, "FAIL"), name.trim_end());
        context.printer.result(&line);
    }
    let (rules, manifests) = (trial.bundle.rules().len(), all.len() - tests);
    let end = if failed.is_empty() { "all are right".to_owned() } else { format!("{} wrong", failed.len()) };
    context.printer.result(&format!("{rules} rules, {tests} tests, {manifests} manifests: {end}"));
}
