//! What the agent and the child process that evaluates the rules say to each other. The child is trusted with nothing: its
//! answer is checked against the rules that it was asked about.
//!
//! The question is two lines of JSON: the policies, and the input document. The answer is one line of JSON.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bundle::{Bundle, Policy};
use crate::engine;
use crate::metadata::{Pass, Rule};

/// The most bytes of an answer.
pub const MOST_BYTES: u64 = 1 << 20;
/// How many findings of all rules the child tells. Nobody reads more.
const TOLD: usize = 500;
/// The most characters of a text in an answer.
const LONGEST: usize = 4000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// What rules say of the document.
    Judge {
        /// The rules that are asked.
        ask: Vec<Asked>,
        /// All policies, the libraries among them.
        policies: Vec<Policy>,
    },
    /// Which rules `test_…` of these packages hold. The document is empty.
    Test {
        /// The packages.
        packages: Vec<String>,
        /// All policies, the tests among them.
        policies: Vec<Policy>,
    },
}

#[derive(Serialize, Deserialize)]
struct Asked {
    rule: String,
    package: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// What each of the rules said that were asked.
    Judged(Vec<Judged>),
    /// The tests that hold, by package.
    Tested(Vec<Vec<String>>),
    /// Why the rules could not be evaluated.
    Failed(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judged {
    rule: String,
    said: Vec<Said>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// How it answered.
    pub verdict: Verdict,
    /// Why it matters.
    pub msg: String,
    /// How to mend it.
    #[serde(default)]
    pub hint: Option<String>,
    /// The resource.
    #[serde(default)]
    pub address: Option<String>,
    /// The component whose line is to be changed.
    #[serde(default)]
    pub component: Option<String>,
    /// The field of the resource's spec.
    #[serde(default)]
    pub field: Vec<String>,
    /// The way to that line.
    #[serde(default)]
    pub key: Vec<String>,
    /// The missing fact of one that is unknown.
    #[serde(default)]
    pub fact: Option<String>,
}

/// How a rule answered. Where it says nothing, it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// `deny`
    Fail,
    /// `warn`
    Warn,
    /// `unknown`
    Unknown,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// The child says that a policy cannot be evaluated.
    #[error("the rules could not be evaluated: {0}")]
    Failed(String),
    /// Its answer is none.
    #[error("the child process that evaluates the rules gave no answer that can be used: {0}")]
    Garbage(String),
    /// There is no child, or it ended by itself or by force.
    #[error("{0}")]
    Child(String),
}

/// The question about a document.
pub fn question(bundle: &Bundle, pass: Pass, input: &str) -> Vec<u8> {
    let asked = bundle.asked(pass).into_iter();
    let ask = asked.map(|rule| Asked { rule: rule.id.clone(), package: rule.package.clone() }).collect();
    bytes(&Question::Judge { ask, policies: bundle.policies().to_vec() }, input)
}

/// The question which tests of some packages hold.
pub fn test_question(policies: &[Policy], packages: &[String]) -> Vec<u8> {
    bytes(&Question::Test { packages: packages.to_vec(), policies: policies.to_vec() }, "")
}

fn bytes(question: &Question, input: &str) -> Vec<u8> {
    // Texts in a list: there is no way for this to fail, and an empty question has no answer.
    let mut bytes = serde_json::to_vec(question).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend_from_slice(input.as_bytes());
    bytes
}

/// The child's work: reads the question, and writes the answer. An error is for its standard error, where nothing could be
/// answered at all.
pub fn answer(mut input: impl Read, mut output: impl Write) -> Result<(), String> {
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(|error| format!("the question cannot be read: {error}"))?;
    let (question, document) = text.split_once('\n').ok_or("the question is cut")?;
    let question: Question = serde_json::from_str(question).map_err(|e| format!("the question is malformed: {e}"))?;
    let answer = match question {
        Question::Judge { ask, policies } => judge(&ask, &policies, document).map(Answer::Judged),
        Question::Test { packages, policies } => engine::test(&policies, &packages).map(Answer::Tested),
    };
    let answer = answer.unwrap_or_else(Answer::Failed);
    let mut line = serde_json::to_vec(&answer).map_err(|error| format!("the answer cannot be written: {error}"))?;
    line.push(b'\n');
    output.write_all(&line).and_then(|()| output.flush()).map_err(|e| format!("the answer cannot be written: {e}"))
}

fn judge(ask: &[Asked], policies: &[Policy], document: &str) -> Result<Vec<Judged>, String> {
    let packages: Vec<&str> = ask.iter().map(|asked| asked.package.as_str()).collect();
    let values = engine::evaluate(policies, document, &packages)?;
    let judged = ask.iter().zip(values).map(|(Asked { rule, .. }, value)| {
        let said = said(value.as_deref()).map_err(|why| format!("{rule}: {why}"))?;
        Ok(Judged { rule: rule.clone(), said })
    });
    Ok(told(judged.collect::<Result<_, String>>()?))
}

/// As many findings as people can read, of each rule and verdict equally many. What is left out is counted in a finding of its own,
/// which is about no component: an exception for one of those that are told lets none of the others through.
fn told(mut judged: Vec<Judged>) -> Vec<Judged> {
    let counts: Vec<usize> = judged.iter().flat_map(|judged| by_verdict(&judged.said).map(<[Said]>::len)).collect();
    let mut each = TOLD;
    while each > 1 && counts.iter().map(|count| each.min(*count)).sum::<usize>() > TOLD {
        each -= each.div_ceil(8);
    }
    for judged in &mut judged {
        judged.said = by_verdict(&judged.said).flat_map(|group| shortened(group, each)).collect();
    }
    judged
}

/// The findings of a rule by their verdict; they stand together.
fn by_verdict(said: &[Said]) -> impl Iterator<Item = &[Said]> {
    said.chunk_by(|a, b| a.verdict == b.verdict)
}

fn shortened(group: &[Said], most: usize) -> Vec<Said> {
    let mut told: Vec<Said> = group.iter().take(most.max(1)).cloned().collect();
    let rest = group.len() - told.len();
    if let (true, Some(last)) = (rest > 0, group.last()) {
        let msg = format!("and {rest} more like these: {}", last.msg);
        let (component, key, address) = (None, Vec::new(), None);
        told.push(Said { msg, component, key, address, field: Vec::new(), ..last.clone() });
    }
    told
}

/// What the rules of a package hold. One without any of the three never says anything, which is a mistake.
fn said(package: Option<&str>) -> Result<Vec<Said>, String> {
    let package: Value = serde_json::from_str(package.unwrap_or("null")).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    let mut is_rule = false;
    for (name, verdict) in [("deny", Verdict::Fail), ("warn", Verdict::Warn), ("unknown", Verdict::Unknown)] {
        let Some(set) = package.get(name) else { continue };
        is_rule = true;
        let set = set.as_array().ok_or_else(|| format!("`{name}` is no set"))?;
        for item in set {
            all.push(one(item, verdict).map_err(|why| format!("`{name}`: {why}"))?);
        }
    }
    if is_rule { Ok(all) } else { Err("it has neither `deny` nor `warn` nor `unknown`".to_owned()) }
}

/// One finding: a text, or an object with `msg`. What else stands in it is the author's.
fn one(item: &Value, verdict: Verdict) -> Result<Said, String> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let msg = item.as_str().map(ToOwned::to_owned).or_else(|| text("msg")).ok_or("a finding has no `msg`")?;
    let word = |word: &Value| word.as_str().map_or_else(|| word.to_string(), ToOwned::to_owned);
    let way = |key: &str| item.get(key).and_then(Value::as_array).into_iter().flatten().map(word).collect();
    let fact = text("fact");
    if verdict == Verdict::Unknown && fact.is_none() {
        return Err("it does not name the missing `fact`".to_owned());
    }
    Ok(Said {
        verdict,
        msg,
        hint: text("hint"),
        address: text("address"),
        component: text("component"),
        field: way("field"),
        key: way("key"),
        fact,
    })
}

/// What the child answered, if it is an answer to that question: every rule was asked, and none that is not there.
pub fn verdicts<'a>(answer: &[u8], bundle: &'a Bundle, pass: Pass) -> Result<Vec<(&'a Rule, Said)>, NoVerdict> {
    let garbage = |why: &str| NoVerdict::Garbage(why.to_owned());
    let Answer::Judged(judged) = read(answer)? else { return Err(garbage("it is about tests")) };
    let rules = bundle.asked(pass);
    let most = most_findings(rules.len());
    if !rules.iter().map(|rule| rule.id.as_str()).eq(judged.iter().map(|judged| judged.rule.as_str())) {
        return Err(garbage("it is not about the rules that were asked"));
    }
    let all: Vec<(&Rule, Said)> = rules
        .into_iter()
        .zip(judged)
        .flat_map(|(rule, judged)| judged.said.into_iter().map(move |s| (rule, s)))
        .collect();
    if all.len() > most {
        return Err(NoVerdict::Garbage(format!("it has {} findings, and {most} are allowed", all.len())));
    }
    Ok(all.into_iter().map(|(rule, said)| (rule, bounded(said))).collect())
}

/// The most findings of an answer about so many rules: twice what is told, and of very many rules one of each verdict with one that
/// counts the rest.
fn most_findings(rules: usize) -> usize {
    (2 * TOLD).max(2 * 3 * rules)
}

/// The tests that hold, by package, if that is an answer to the question about so many packages.
pub fn tests(answer: &[u8], packages: usize) -> Result<Vec<Vec<String>>, NoVerdict> {
    match read(answer)? {
        Answer::Tested(tests) if tests.len() == packages => Ok(tests),
        _ => Err(NoVerdict::Garbage("it is not about the tests that were asked".to_owned())),
    }
}

fn read(answer: &[u8]) -> Result<Answer, NoVerdict> {
    let garbage = |why: &str| NoVerdict::Garbage(why.to_owned());
    let line = answer.strip_suffix(b"\n").ok_or_else(|| garbage("it is cut"))?;
    if line.contains(&b'\n') {
        return Err(garbage("it is more than one line"));
    }
    match serde_json::from_slice(line).map_err(|error| NoVerdict::Garbage(error.to_string()))? {
        Answer::Failed(why) => Err(NoVerdict::Failed(cut(why))),
        answer => Ok(answer),
    }
}

fn bounded(said: Said) -> Said {
    Said { msg: cut(said.msg), hint: said.hint.map(cut), fact: said.fact.map(cut), ..said }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use agent_core::allowed::Level;

    use super::*;

    /// What a rule says of so many services.
    fn said_of(level: &str, services: usize) -> Vec<(Level, Verdict, String, Option<String>)> {
        let text = format!(
            "# METADATA\n# custom:\n#   level: {level}\npackage org.many\n\nimport rego.v1\n\n\
             deny contains {{\"msg\": \"no\", \"component\": name}} if some name in input.names\n\n\
             warn contains \"once\" if count(input.names) > 0\n"
        );
        let bundle = Bundle::new(vec![Policy { file: "many.rego".into(), text }]).unwrap();
        let names: Vec<String> = (0..services).map(|n| format!("service.s{n}")).collect();
        let input = serde_json::json!({ "names": names }).to_string();
        let mut out = Vec::new();
        answer(question(&bundle, Pass::Desired, &input).as_slice(), &mut out).unwrap();
        let all = verdicts(&out, &bundle, Pass::Desired).unwrap();
        all.into_iter().map(|(rule, said)| (rule.level.unwrap(), said.verdict, said.msg, said.component)).collect()
    }

    #[test]
    fn very_many_rules_that_all_find_much_are_an_answer() {
        let policy = |n: usize| Policy {
            file: format!("many-{n}.rego"),
            text: format!(
                "# METADATA\n# title: t\npackage org.many_{n}\n\nimport rego.v1\n\ndeny contains \"a\"\n\ndeny contains \"b\"\n\ndeny contains \"c\"\n"
            ),
        };
        let bundle = Bundle::new((0..600).map(policy).collect()).unwrap();
        let mut out = Vec::new();
        answer(question(&bundle, Pass::Desired, "{}").as_slice(), &mut out).unwrap();
        assert_eq!(verdicts(&out, &bundle, Pass::Desired).unwrap().len(), 1200);
    }

    #[test]
    fn a_few_findings_are_all_told() {
        assert_eq!(said_of("advisory", 400).len(), 401);
    }

    #[test]
    fn of_thousands_many_are_told_and_the_rest_is_counted_by_one_that_no_exception_covers() {
        let all = said_of("soft", 5000);
        assert!((300..=502).contains(&all.len()), "{}", all.len());
        let rest: Vec<_> = all.iter().filter(|(.., component)| component.is_none()).collect();
        let [(_, Verdict::Fail, told, _), (_, Verdict::Warn, once, _)] = rest.as_slice() else { panic!("{rest:?}") };
        let counted: usize = told.split(' ').nth(1).unwrap().parse().unwrap();
        let shown = all.iter().filter(|(_, verdict, _, component)| *verdict == Verdict::Fail && component.is_some());
        assert_eq!(counted + shown.count(), 5000);
        assert_eq!(once, "once");
    }
}
