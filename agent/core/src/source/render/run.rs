//! What the outputs for pipelines are made of: the findings of all stacks of a run, and the rules that were asked.

use jiff::Timestamp;
use jiff::civil::Date;

use super::place::Place;
use super::text::escape;
use crate::allowed::{Level, RuleSeverity};
use crate::source::{Problem, Problems, Severity, Sources, Span};

/// A run over some stacks.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The program that tells.
    pub tool: Tool<'a>,
    /// The rules, those that are off among them.
    pub rules: &'a [RuleInfo],
    /// Digest of all rules.
    pub digest: &'a str,
    /// The commit that was looked at.
    pub revision: Option<&'a str>,
    /// Where that commit is from, without credentials. Told on only where it is a URL.
    pub repository: Option<&'a str>,
    /// When the run began.
    pub started: Timestamp,
    /// The stacks, in the order in which they are told.
    pub stacks: &'a [StackFindings<'a>],
}

/// The program.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// Its name. Services tell the findings of two tools apart by it: it never changes.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Where people read about it.
    pub uri: Option<&'a str>,
}

/// What people should know of a rule.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// Its name; that of the problems that it finds too.
    pub id: String,
    /// The group that it belongs to: `network`.
    pub family: String,
    /// In a few words.
    pub title: String,
    /// In full.
    pub description: String,
    /// Why it matters.
    pub why: String,
    /// How much harm what it finds can do.
    pub severity: RuleSeverity,
    /// How binding it is; `None` where it is off.
    pub level: Option<Level>,
    /// Who else asks for it.
    pub references: Vec<Reference>,
    /// Where it is documented.
    pub uri: Option<String>,
}

/// The same demand in somebody else's catalogue.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Whose, for people: `Security Hub`.
    pub catalogue: String,
    /// Its id there: `EC2.9`.
    pub id: String,
}

/// What was found in a stack.
#[derive(Clone, Debug)]
pub struct StackFindings<'a> {
    /// Its name, or its folder where the name cannot be read.
    pub name: &'a str,
    /// The path of its `stack.toml`, as the paths in `sources` are: the place of what no line is to blame for.
    pub file: &'a str,
    /// The texts that places point into.
    pub sources: &'a Sources,
    /// What is in the way.
    pub problems: &'a Problems,
    /// What is not: advice, and what is not known.
    pub notes: &'a Problems,
    /// What would be in the way without an exception.
    pub excepted: &'a [ExceptedProblem],
    /// Whether the rules gave their verdicts.
    pub judged: Judged<'a>,
}

/// A finding that an exception lets through.
#[derive(Clone, Debug)]
pub struct ExceptedProblem {
    /// What was found, in the words that it would have without the exception: by these it is known again when that ends.
    pub problem: Problem,
    /// The reason that the exception gives.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Its place, if that is known.
    pub place: Option<Span>,
    /// Whether it is kept outside of the manifests.
    pub external: bool,
}

/// Whether the rules gave their verdicts on a stack. Where they did not, no rule is told to have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged<'a> {
    /// They did.
    Yes,
    /// They were not asked, as what the stack wants is not known: its manifest cannot be understood, or AWS gave no answer.
    No,
    /// They could not be evaluated, as the problem with this code says.
    Failed(&'a str),
}

/// What a finding means for those who wait for the run, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// In the way.
    Fails,
    /// Advice.
    Advice,
    /// Not known, which is never a pass.
    Open,
    /// In the way, were it not for an exception.
    Excepted,
}

impl Standing {
    pub(super) const ALL: [Self; 4] = [Self::Fails, Self::Advice, Self::Open, Self::Excepted];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fails => "error",
            Self::Advice => "warning",
            Self::Open => "not known",
            Self::Excepted => "excepted",
        }
    }
}

/// One finding, with all that belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) stack: &'a StackFindings<'a>,
    pub(super) problem: &'a Problem,
    /// The position of its rule in the run; `None` for what no rule has found.
    pub(super) rule: Option<usize>,
    pub(super) standing: Standing,
    pub(super) exception: Option<&'a ExceptedProblem>,
}

impl Found<'_> {
    /// Where it is; the beginning of the stack where it has no place of its own.
    pub(super) fn place(&self) -> Place {
        let own = self.problem.span.as_ref().and_then(|span| Place::new(span, self.stack.sources));
        own.unwrap_or_else(|| Place::start_of(self.stack.file))
    }

    /// The reason of its exception, and how long that holds.
    pub(super) fn reason(&self) -> Option<String> {
        let exception = self.exception?;
        let until = exception.until.map(|until| format!(" (until {until})")).unwrap_or_default();
        Some(escape(&exception.reason) + &until)
    }
}

impl<'a> Run<'a> {
    /// The findings of a stack, in the order of the text: the problems, the notes, what is excepted.
    pub(super) fn found_in(&self, stack: &'a StackFindings<'a>) -> Vec<Found<'a>> {
        let one = |problem: &'a Problem, exception: Option<&'a ExceptedProblem>| {
            let rule = self.rules.iter().position(|rule| rule.id == problem.code);
            let standing = match (exception, problem.severity) {
                (Some(_), _) => Standing::Excepted,
                (None, Severity::Error) => Standing::Fails,
                (None, Severity::Warning) => Standing::Advice,
                (None, Severity::Note) => Standing::Open,
            };
            Found { stack, problem, rule, standing, exception }
        };
        let said = stack.problems.iter().chain(stack.notes).map(|problem| one(problem, None));
        said.chain(stack.excepted.iter().map(|excepted| one(&excepted.problem, Some(excepted)))).collect()
    }

    /// The findings of all stacks.
    pub(super) fn found(&self) -> Vec<Found<'a>> {
        self.stacks.iter().flat_map(|stack| self.found_in(stack)).collect()
    }

    /// Where the commit is from, as a URL.
    pub(super) fn repository_uri(&self) -> Option<&'a str> {
        self.repository.filter(|source| {
            let scheme = source.split_once("://").map_or("", |(scheme, _)| scheme);
            let first = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
            first && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        })
    }

    /// `3 errors, 1 warning, 2 not known in 4 stacks`, or `no findings in 4 stacks`. Findings that were not kept count as what the
    /// set is that they were in.
    pub(super) fn summary(&self) -> String {
        let found = self.found();
        let lost = |of: fn(&StackFindings<'_>) -> usize| self.stacks.iter().map(of).sum::<usize>();
        let mut parts = Vec::new();
        for standing in Standing::ALL {
            let mut count = found.iter().filter(|found| found.standing == standing).count();
            count += match standing {
                Standing::Fails => lost(|stack| stack.problems.dropped()),
                Standing::Advice => lost(|stack| stack.notes.dropped()),
                Standing::Open | Standing::Excepted => 0,
            };
            let plural = if count > 1 && standing <= Standing::Advice { "s" } else { "" };
            if count > 0 {
                parts.push(format!("{count} {}{plural}", standing.word()));
            }
        }
        let stacks = match self.stacks.len() {
            1 => "1 stack".to_owned(),
            n => format!("{n} stacks"),
        };
        if parts.is_empty() { format!("no findings in {stacks}") } else { format!("{} in {stacks}", parts.join(", ")) }
    }
}

impl StackFindings<'_> {
    /// How many problems and notes there were beyond those that are kept.
    pub(super) fn dropped(&self) -> usize {
        self.problems.dropped() + self.notes.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_url_is_told_as_the_repository() {
        let uri = |repository: &'static str| {
            let tool = Tool { name: "a", version: "1", uri: None };
            let started = Timestamp::UNIX_EPOCH;
            let repository = Some(repository);
            Run { tool, rules: &[], digest: "", revision: None, repository, started, stacks: &[] }.repository_uri()
        };
        assert_eq!(uri("https://example.com/a.git"), Some("https://example.com/a.git"));
        assert_eq!(uri("git+ssh://example.com/a"), Some("git+ssh://example.com/a"));
        for other in ["/srv/manifests", "git@example.com:a.git", "C:\\a", "", "://a", "1://a", "a b://c"] {
            assert_eq!(uri(other), None, "{other}");
        }
    }
}
