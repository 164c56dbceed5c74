//! The command line: names, options and their help. What a command does stands in `commands`, a file each.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A Git-driven agent for AWS: makes AWS equal to the manifests that Git holds.
#[derive(Parser)]
#[command(name = "agent", version, about, max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args)]
pub struct Global {
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Whether results are coloured.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// The agent's configuration; `systemd/agent.toml` documents every key. `agent run` takes /etc/gitops-agent/agent.toml when
    /// none is named; other commands read only `[policy]` and `[[role]]`, and where none is named have the rules of this program
    /// as they are, and no roles.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// More log lines on stderr; twice for calls to AWS.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The formats of results.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
    /// What `agent validate` finds, for code scanning: SARIF 2.1.0.
    Sarif,
    /// What `agent validate` finds, as a report of tests: a test for each rule.
    Junit,
    /// What `agent validate` finds, as annotations of GitHub Actions.
    Github,
}

impl Output {
    /// Whether only findings can be printed so.
    pub fn is_for_findings(self) -> bool {
        matches!(self, Self::Sarif | Self::Junit | Self::Github)
    }
}

/// When to colour.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the manifests are.
#[derive(Args, Clone)]
pub struct From {
    /// A folder with a `stack.toml`, or with such folders in it.
    #[arg(default_value = ".", conflicts_with = "repo")]
    pub dir: PathBuf,
    /// A Git repository instead: a path or a URL. Only what is committed is read.
    #[arg(long, value_name = "PATH|URL")]
    pub repo: Option<String>,
    /// The revision of the repository: a branch, a tag, a commit. Default: HEAD of a path, `main` of a URL.
    #[arg(long, requires = "repo", value_name = "REV")]
    pub rev: Option<String>,
    /// The folder of the manifests in the repository.
    #[arg(long, requires = "repo", default_value = ".", value_name = "FOLDER")]
    pub path: String,
    /// Only this stack.
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
}

/// Where a stack is that is given by its name.
#[derive(Args, Clone)]
pub struct Place {
    /// The region of a stack that is given by its name; else the environment's.
    #[arg(long, conflicts_with = "repo", value_name = "REGION")]
    pub region: Option<String>,
    /// The account of a stack that is given by its name; else that of the one `[[role]]` that it may use, or of the credentials.
    #[arg(long, conflicts_with = "repo", value_name = "ACCOUNT")]
    pub account: Option<String>,
}

impl Place {
    /// The option that is given, for messages; these go with the name of a stack only.
    pub fn given(&self) -> Option<&'static str> {
        self.region.as_ref().map(|_| "--region").or(self.account.as_ref().map(|_| "--account"))
    }
}

/// Answers a question beforehand.
#[derive(Args, Clone)]
pub struct Yes {
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}

/// What a pull request would change.
#[derive(Args, Clone)]
pub struct Preview {
    /// The revision that it would be merged into: `origin/main`. Only stacks that the merge can change are looked at, and what is
    /// pending without it is marked. Where the base has moved on, it is the merge of both that is shown; nothing is written. The
    /// repository must be on this host, with its history.
    #[arg(long, requires = "repo", value_name = "REV")]
    pub base: Option<String>,
    /// Ask AWS nothing, and need no credentials: compare what the two revisions want. The only network is that of `--config`'s
    /// rules, where these are in a repository elsewhere.
    #[arg(long, requires = "base")]
    pub offline: bool,
    /// The most bytes of markdown; what matters least is left out first. GitHub takes 65536 characters of a comment, GitLab
    /// 1000000.
    #[arg(long, default_value_t = 65_536, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(4096..))]
    pub limit: u32,
    /// Write the markdown to this file too, and nothing of it left out: for the summary of a job, or to keep it.
    #[arg(long, value_name = "FILE")]
    pub full: Option<PathBuf>,
    /// Where people find all of it, for the sentence under markdown of which something is left out: the address of the job.
    #[arg(long, value_name = "URL", value_parser = url)]
    pub full_url: Option<String>,
}

/// An address that means nothing else in markdown.
fn url(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@%&=+,;".contains(c);
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    if is_url && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("give an address that begins with https:// and has none of ()[]<>\"' or spaces in it".to_owned())
    }
}

/// What to look at of the rules.
#[derive(Subcommand)]
pub enum Policy {
    /// Show the rules that are in force, with their levels.
    List,
    /// Explain a rule: what it asks, why it matters, who checks the same.
    Explain {
        /// The rule's id.
        rule: String,
    },
    /// Print the document that rules judge, for `opa eval` and `conftest`. Needs no AWS; what only AWS knows is not in it.
    Input {
        /// Where the manifests are. Of several stacks, name one with `--stack`.
        #[command(flatten)]
        from: From,
        /// Print the JSON schema of the document instead.
        #[arg(long)]
        schema: bool,
    },
    /// Try the policies of a folder: the tests beside them (`…_test.rego`, as `opa test` runs them) and their manifests
    /// (`RULE/pass/*.toml` and `RULE/fail/*.toml`, where `# here` marks the line that is to be blamed).
    Test {
        /// The folder.
        #[arg(default_value = "policies")]
        dir: PathBuf,
    },
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Check manifests: syntax, references, expansion, rules. Needs no AWS.
    Validate {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Ask AWS, read-only, for what the manifests refer to and do not own: networks of others, other stacks, zones.
        #[arg(long)]
        online: bool,
        /// Show also what each task needs to start and to work, and the way there hop by hop.
        #[arg(long)]
        paths: bool,
    },
    /// Show what a revision would change in AWS, and change nothing. With `--base`, what merging it there would change: for pull
    /// requests, see docs/previews.md.
    Diff {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// What would come of it.
        #[command(flatten)]
        preview: Preview,
        /// Exit with 1 when changes are pending.
        #[arg(long)]
        exit_code: bool,
    },
    /// Make AWS equal to a revision.
    Apply {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Go on although the record of the last revision is gone, the revision does not descend from that one, or the stack belongs to
        /// another source, when the revision is this one. `agent run` goes on from here then, and the next source that makes a pass
        /// over the stack has it.
        #[arg(long, value_name = "SHA")]
        accept_revision: Option<String>,
        /// Give up after so many seconds.
        #[arg(long, default_value_t = 1800, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Follow a manifests repository and keep AWS as it says, until told to stop (SIGTERM, Ctrl-C). SIGHUP reads the
    /// configuration again.
    Run,
    /// Ask the agent that runs with this configuration whether it is well (`[http] listen`, /healthz): exits with 0 or 1. For
    /// containers, which have nothing else to ask with.
    Healthcheck,
    /// Delete all that a stack owns. Asks first; honours protection and the removal budget. A stack whose folder is gone is
    /// given by its name.
    Destroy {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Where a stack is that is given by its name.
        #[command(flatten)]
        place: Place,
        /// Answers the question.
        #[command(flatten)]
        yes: Yes,
        /// Components that may go beyond the budget.
        #[arg(long, default_value_t = 0, value_name = "N")]
        removals: usize,
        /// Go on although the stack belongs to another source, or the record of its last revision is gone, when the revision of the
        /// manifests is this one.
        #[arg(long, value_name = "SHA")]
        accept_revision: Option<String>,
        /// Give up after so many seconds.
        #[arg(long, default_value_t = 1800, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Make the secret header of a load balancer anew, so that no request is refused meanwhile: rules accept the old and the
    /// new one, the distribution sends the new one, and when that is deployed the old one is good no longer.
    Rotate {
        /// The folder of the stack, or its name with `--repo`.
        stack: String,
        /// The component: `load_balancer.edge`.
        component: String,
        /// A Git repository: a path or a URL.
        #[arg(long, value_name = "PATH|URL")]
        repo: Option<String>,
        /// The revision of the repository, which must be the one that was applied.
        #[arg(long, requires = "repo", value_name = "REV")]
        rev: Option<String>,
        /// The folder of the manifests in the repository.
        #[arg(long, requires = "repo", default_value = ".", value_name = "FOLDER")]
        path: String,
        /// Go on although the revision does not descend from the one that was applied last, or the stack belongs to another source,
        /// when the revision is this one.
        #[arg(long, value_name = "SHA")]
        accept_revision: Option<String>,
        /// Give up after so many seconds; the next pass goes on.
        #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Show every resource that the components make. Needs no AWS.
    Render(From),
    /// Show who names whom, as a Graphviz graph. Needs no AWS.
    Graph(From),
    /// Show how stacks are: each component, and of its resources those that are not in order, with the reason.
    Status {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Show every resource.
        #[arg(long)]
        all: bool,
        /// Look again and again until Ctrl-C: redraws on a terminal, else prints what has changed.
        #[arg(long)]
        watch: bool,
        /// How long to wait between two looks.
        #[arg(long, requires = "watch", default_value_t = 5, value_name = "SECONDS",
              value_parser = clap::value_parser!(u64).range(1..))]
        every: u64,
        /// Exit with 1 when something failed, is degraded or missing, or cannot be read.
        #[arg(long, conflicts_with = "watch")]
        exit_code: bool,
    },
    /// Show which revisions stacks had: when, what came of them, how long they took. A stack whose folder is gone is given by
    /// its name.
    History {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Where a stack is that is given by its name.
        #[command(flatten)]
        place: Place,
    },
    /// Have stacks left alone for a while: `agent run` and `agent apply` change nothing in them, and say why. A stack whose folder is
    /// elsewhere is given by its name.
    Suspend {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Where a stack is that is given by its name.
        #[command(flatten)]
        place: Place,
        /// Why: one line, which everybody sees.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Until when: so long from now (`2h`), or a moment (`2026-12-01T08:00:00Z`). Else until it is resumed.
        #[arg(long, value_name = "WHEN")]
        until: Option<agent_core::state::UntilWhen>,
    },
    /// Let stacks go on that `agent suspend` has suspended.
    Resume {
        /// Where the manifests are.
        #[command(flatten)]
        from: From,
        /// Where a stack is that is given by its name.
        #[command(flatten)]
        place: Place,
    },
    /// Inside a task: fetch config files from SSM into the volumes of the task (`unpack`), or copy this program into a volume
    /// (`install DIR`). The image of `files_image` has a small static program of the same code.
    Files {
        /// `install DIR` or `unpack`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Look at the rules: which there are, why they matter, what they see, and whether they are right.
    Policy {
        /// What to look at.
        #[command(subcommand)]
        what: Policy,
    },
    /// Print the JSON schema of a manifest.
    Schema,
    /// Explain a kind (`ec2.vpc`) or a component type (`network`).
    Explain {
        /// What to explain; everything by name when absent.
        name: Option<String>,
    },
}
