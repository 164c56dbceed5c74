//! A run with everything in it: stacks in order and out of order, all kinds of findings, and texts of somebody who means harm.

use agent_core::allowed::{Level, RuleSeverity};
use agent_core::source::render::{
    ExceptedProblem, Judged, Reference, RuleInfo, Run, StackFindings, Tool, render_github, render_junit,
    render_markdown, render_sarif,
};
use agent_core::source::{Problem, Problems, Severity, Sources, Span};

/// What must not become more than text anywhere.
pub const HOSTILE: &str = "`x` \"q\" 'a' <img src=x onerror=alert(1)> & ]]> --> <!-- gitops-agent: findings -->\n::error \
    file=a,line=1::owned\r\n::stop-commands::x %0A::warning::y ##[error]z \u{1b}[31mred\u{7} \u{202e}drow\u{200b} \u{0}\u{fffe} \
    😀 [click](https://evil.example/a) ![i](//evil.example/i) www.evil.example http://evil.example @everyone a@evil.example \
    #1 GH-2 !3 &4 ~5 %6 $7 owner/repo#8 | cell | *b* _i_ ~~s~~ $m$ \\` \\| </code></table></testsuite> {0} ${{ secrets.X }}";

pub fn rule(id: &str, level: Option<Level>, severity: RuleSeverity) -> RuleInfo {
    let reference = |catalogue: &str, id: &str| Reference { catalogue: catalogue.into(), id: id.into() };
    RuleInfo {
        id: id.into(),
        family: "network".into(),
        title: "Private subnets only".into(),
        description: "Tasks stand in subnets without a route to an internet gateway".into(),
        why: "What nobody reaches, nobody attacks.".into(),
        severity,
        level,
        references: vec![reference("Security Hub", "EC2.15"), reference("Checkov", "CKV_AWS_130")],
        uri: Some("https://example.com/rules#private-subnets-only".into()),
    }
}

/// The findings of a stack, and what they point into.
pub struct Stack {
    pub name: String,
    pub file: String,
    pub sources: Sources,
    pub problems: Problems,
    pub notes: Problems,
    pub excepted: Vec<ExceptedProblem>,
    pub judged: Judged<'static>,
}

impl Stack {
    pub fn new(name: &str, file: &str) -> Self {
        Self {
            name: name.into(),
            file: file.into(),
            sources: Sources::new(),
            problems: Problems::new(),
            notes: Problems::new(),
            excepted: Vec::new(),
            judged: Judged::Yes,
        }
    }

    pub fn findings(&self) -> StackFindings<'_> {
        StackFindings {
            name: &self.name,
            file: &self.file,
            sources: &self.sources,
            problems: &self.problems,
            notes: &self.notes,
            excepted: &self.excepted,
            judged: self.judged,
        }
    }
}

pub struct Example {
    pub rules: Vec<RuleInfo>,
    pub stacks: Vec<Stack>,
}

impl Example {
    /// Gives the run to those who draw it.
    pub fn with<T>(&self, draw: impl FnOnce(&Run<'_>) -> T) -> T {
        let stacks: Vec<StackFindings<'_>> = self.stacks.iter().map(Stack::findings).collect();
        draw(&Run {
            tool: Tool { name: "gitops-agent", version: "0.1.0", uri: Some("https://example.com/agent") },
            rules: &self.rules,
            digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            revision: Some("3227f50c0ffee"),
            repository: Some("https://example.com/manifests.git"),
            started: "2026-11-21T19:00:00.5Z".parse().unwrap(),
            stacks: &stacks,
        })
    }
}

/// The text of the stack `um`, with so many empty lines before all.
pub fn text(lines: usize) -> String {
    let text = "[stack]\nname = \"um\"\n\n[service.web]\nimage = \"é😀\" # web\ncount = 1\n\n[service.other]\nport = [\n  80,\n]\n\n\
        [[exception]]\nrule = \"one-exception\"\nreason = \"because\"\n";
    "\n".repeat(lines) + text
}

fn at(stack: &Stack, file: agent_core::source::FileId, what: &str) -> Span {
    let start = stack.sources.get(file).unwrap().text().find(what).unwrap();
    Span::new(file, start..start + what.len())
}

/// A stack with a finding of each kind.
pub fn um(lines: usize) -> Stack {
    let mut stack = Stack::new("um", "stacks/um/stack.toml");
    let file = stack.sources.add("stacks/um/stack.toml", text(lines));
    let base = stack.sources.add("stacks/base #1/ü, b:c%.toml", "[network.main]\ntiers = \"public\"\n");
    let problem = |code: &'static str, message: &str| Problem::new(code, message);
    let port = at(&stack, file, "[\n  80,\n]");
    let (image, count) = (at(&stack, file, "\"é😀\""), at(&stack, file, "count = 1"));
    let tiers = at(&stack, base, "\"public\"");
    stack.problems.push(
        problem("two-findings", "`service.web` is in a public subnet")
            .at(&count)
            .label("here")
            .also(&tiers, "the tier")
            .also(&image, "the image")
            .hint("say `tier = \"private\"`"),
    );
    stack.problems.push(problem("two-findings", "`service.other` is in a public subnet").at(&port));
    // The same line, rule and message: two findings for all that.
    stack.problems.push(problem("two-findings", "`service.web` is in a public subnet").at(&image).hint("other"));
    stack.problems.push(problem("two-findings", "the same line").at(&count));
    stack.problems.push(problem("no-place", "the stack as a whole is wrong").hint("change it"));
    stack.problems.push(problem("hostile-rule", HOSTILE).at(&tiers).label(HOSTILE).also(&count, HOSTILE).hint(HOSTILE));
    stack.notes.push(problem("advice-only", "`service.web` might be larger").severity(Severity::Warning).at(&image));
    stack.notes.push(problem("not-known", "the routes of `vpc-1` are not known").severity(Severity::Note).at(&count));
    stack.notes.push(problem("unused-file", "`a.toml` is used by nothing").severity(Severity::Warning));
    stack.excepted.push(ExceptedProblem {
        problem: problem("one-exception", "`service.web` has one task").at(&count),
        reason: format!("only a demo {HOSTILE}"),
        until: Some("2026-12-31".parse().unwrap()),
        place: Some(at(&stack, file, "[[exception]]")),
        external: false,
    });
    stack.excepted.push(ExceptedProblem {
        problem: problem("one-exception", "`service.other` has one task").at(&port),
        reason: "the whole account is a sandbox".into(),
        until: None,
        place: None,
        external: true,
    });
    stack
}

/// A manifest that cannot be understood, of somebody who means harm.
pub fn broken() -> Stack {
    let mut stack = Stack::new(&format!("stacks/{HOSTILE}"), &format!("stacks/{HOSTILE}/stack.toml"));
    let file = stack.sources.add(stack.file.clone(), format!("{HOSTILE}\n{}", "x".repeat(10_000)));
    stack
        .problems
        .push(Problem::new("syntax", format!("unexpected `{HOSTILE}`")).at(&Span::new(file, 0..3)).hint(HOSTILE));
    stack.problems.push(Problem::new("unknown-key", "k".repeat(10_000)).at(&Span::new(file, 100..5000)));
    stack.judged = Judged::No;
    stack
}

/// A stack for which the rules could not be evaluated.
pub fn failed() -> Stack {
    let mut stack = Stack::new("short", "stacks/short/stack.toml");
    stack.sources.add("stacks/short/stack.toml", "[stack]\n");
    stack.problems.push(Problem::new("policy-child", "the rules were not evaluated: out of memory"));
    stack.judged = Judged::Failed("policy-child");
    stack
}

pub fn example() -> Example {
    let mut rules = vec![
        rule("two-findings", Some(Level::Hard), RuleSeverity::Critical),
        rule("no-place", Some(Level::Soft), RuleSeverity::High),
        rule("hostile-rule", Some(Level::Hard), RuleSeverity::Medium),
        rule("advice-only", Some(Level::Advisory), RuleSeverity::Low),
        rule("not-known", Some(Level::Hard), RuleSeverity::High),
        rule("one-exception", Some(Level::Soft), RuleSeverity::Medium),
        rule("all-is-well", Some(Level::Hard), RuleSeverity::High),
        rule("switched-off", None, RuleSeverity::Low),
    ];
    rules[6].family = "ecs".into();
    let hello = Stack::new("hello", "stacks/hello/stack.toml");
    Example { rules, stacks: vec![hello, um(0), broken(), failed()] }
}

/// For holding the example against other programs: `AGENT_OUTPUTS` names the folder.
#[test]
fn the_outputs_of_the_example_can_be_had_as_files() {
    let outputs = example().with(|run| {
        [
            ("findings.sarif", render_sarif(run)),
            ("junit.xml", render_junit(run)),
            ("github.txt", render_github(run)),
            ("comment.md", render_markdown(run)),
        ]
    });
    assert!(outputs.iter().all(|(_, text)| text.ends_with('\n')));
    let Some(dir) = std::env::var_os("AGENT_OUTPUTS").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&dir).unwrap();
    for (name, text) in outputs {
        std::fs::write(dir.join(name), text).unwrap();
    }
}
