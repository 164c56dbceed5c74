//! What the story is told with: an emulated AWS, a repository, the agent that follows it, and how its log is shown.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::bench::emulator::Emulator;
use crate::bench::repository::{Files, below, commit};
use crate::bench::running::Running;

/// What a part of the story comes to.
pub type Told<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The stage.
pub struct Stage {
    pub emulator: Emulator,
    folder: tempfile::TempDir,
    agent: Option<Running>,
    /// The log is shown up to here, and the next words are waited for from here.
    shown: usize,
    revision: String,
    coloured: bool,
    begun: Instant,
}

impl Stage {
    /// An emulated AWS, and a repository with a first commit.
    pub fn new(files: &Files) -> Told<Self> {
        let emulator = Emulator::start()?;
        let folder = tempfile::tempdir()?;
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let mut stage =
            Self { emulator, folder, agent: None, shown: 0, revision: String::new(), coloured, begun: Instant::now() };
        stage.revision = stage.commit("main", files, "um: the first revision")?;
        let text = format!(
            "[source]\nurl = \"{}\"\n\n[reconcile]\ndrift = \"3s\" # minutes, on AWS itself\n",
            stage.repository().display()
        );
        std::fs::write(stage.configuration(), text)?;
        Ok(stage)
    }

    pub fn repository(&self) -> PathBuf {
        self.folder.path().join("manifests")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    fn commit(&self, branch: &str, files: &Files, message: &str) -> Told<String> {
        commit(&self.repository(), branch, &below("um", files), ("Ada", message))
    }

    /// Starts `agent run`.
    pub fn start(&mut self) -> Told {
        self.command("agent run --config agent.toml");
        self.quote(&std::fs::read_to_string(self.configuration())?);
        println!();
        self.agent = Some(Running::start(&self.configuration(), self.environment()));
        Ok(())
    }

    fn environment(&self) -> Vec<(String, String)> {
        let own = ["PATH", "HOME"].into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        let emulated = self.emulator.env().iter().map(|(name, value)| (name.clone(), value.clone()));
        own.chain(emulated).collect()
    }

    /// A commit on a branch that nobody follows.
    pub fn branch(&self, name: &str, files: &Files, message: &str) -> Told<String> {
        self.commit(name, files, message)?;
        Ok(name.to_owned())
    }

    /// A commit on the branch that the agent follows.
    pub fn merge(&mut self, files: &Files, message: &str) -> Told {
        self.shown = self.mark();
        let begun = Instant::now();
        self.revision = self.commit("main", files, message)?;
        println!("{}", self.tone("1", &format!("    main is {} now: {message}", &self.revision[..7])));
        let agent = self.agent.as_ref().ok_or("the agent does not run")?;
        let (seen, _) = agent.wait_for(self.shown, &["new revision", &self.revision[..7]]);
        println!("    (seen by the agent after {} ms)", seen.duration_since(begun).as_millis());
        Ok(())
    }

    fn mark(&self) -> usize {
        self.agent.as_ref().map_or(0, Running::mark)
    }

    /// Waits until the agent says that AWS is as the newest revision wants, and shows what it did until then.
    pub fn converges(&mut self) -> Told {
        let agent = self.agent.as_ref().ok_or("the agent does not run")?;
        // Whatever stood in the log before the newest commit is about another one.
        agent.wait_for(self.shown, &["converged", "stack=\"um\""]);
        self.show(&["converged", "stack=\"um\""])
    }

    /// Waits for a line with these words, and shows the log up to it.
    pub fn hears(&mut self, words: &[&str]) -> Told {
        let agent = self.agent.as_ref().ok_or("the agent does not run")?;
        agent.wait_for(self.shown, words);
        self.show(words)
    }

    /// Waits until the agent says with these words why it refuses the newest commit, and shows that.
    pub fn refuses(&mut self, words: &[&str]) -> Told {
        let agent = self.agent.as_ref().ok_or("the agent does not run")?;
        agent.wait_for(self.shown, &[&["ERROR"], words].concat());
        self.hears(&["ERROR failed; a commit"])
    }

    /// Shows the log up to the line with these words.
    fn show(&mut self, words: &[&str]) -> Told {
        let agent = self.agent.as_ref().ok_or("the agent does not run")?;
        let lines = agent.lines(self.shown);
        let is_it = |line: &String| words.iter().all(|word| line.contains(word));
        let end = lines.iter().position(is_it).map_or(lines.len(), |at| at + 1);
        for line in shortened(&lines[..end]) {
            for part in wrapped(&line) {
                println!("    {}", self.coloured(&line, &part));
            }
        }
        self.shown += end;
        Ok(())
    }

    /// A part of a line in the colour of the line.
    fn coloured(&self, line: &str, part: &str) -> String {
        let code = match line.split_whitespace().next() {
            Some("create" | "converged") => "32",
            Some("update" | "replace" | "WARN" | "progressing") => "33",
            Some("delete" | "clear" | "ERROR") => "31",
            _ => "0",
        };
        self.tone(code, part)
    }

    /// Runs the shipped binary in the repository.
    pub fn run(&self, args: &[&str], expected: i32) -> Told {
        self.command(&format!("agent {}", args.join(" ")));
        let status = Command::new(env!("CARGO_BIN_EXE_agent"))
            .args(args)
            .current_dir(self.repository())
            .env_clear()
            .envs(self.environment())
            .args(self.coloured.then_some("--color=always"))
            .status()?;
        println!();
        if status.code() == Some(expected) { Ok(()) } else { Err(format!("agent ended with {status}").into()) }
    }

    /// The files of the repository.
    pub fn tree(&self) {
        let root = self.repository().join("um");
        let mut files: Vec<PathBuf> = walk(&root);
        files.sort();
        for file in files {
            let lines = std::fs::read_to_string(&file).map_or(0, |text| text.lines().count());
            let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            println!("    {name:<32} {lines:>3} lines");
        }
    }

    pub fn chapter(&self, title: &str) {
        println!("\n{}\n", self.tone("1;36", &format!("== {title}")));
    }

    pub fn say(&self, text: &str) {
        println!("    {text}");
    }

    fn command(&self, text: &str) {
        println!("{}", self.tone("1", &format!("$ {text}")));
    }

    pub fn quote(&self, text: &str) {
        for line in text.lines() {
            println!("    {}", self.tone("2", line));
        }
    }

    fn tone(&self, code: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Stops the agent, or leaves all running until Enter or Ctrl-C.
    pub fn end(mut self, keep: bool) -> Told {
        println!("The story took {} s.", self.begun.elapsed().as_secs());
        let agent = self.agent.take().ok_or("the agent does not run")?;
        if keep {
            println!("\nAll of it goes on until Enter is pressed. In another shell:\n");
            for (name, value) in self.emulator.env() {
                println!("export {name}={value}");
            }
            println!("cd {}", self.repository().display());
            println!(
                "export PATH={}:$PATH",
                Path::new(env!("CARGO_BIN_EXE_agent")).parent().unwrap_or(Path::new(".")).display()
            );
            std::io::stdin().read_line(&mut String::new())?;
        }
        let (status, took) = agent.stop();
        println!("The agent was told to stop, and did after {} ms.", took.as_millis());
        if status.success() { Ok(()) } else { Err(format!("the agent ended with {status}").into()) }
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// The log at a glance: without times and places, and what was made of one component on one line.
fn shortened(lines: &[String]) -> Vec<String> {
    let mut short: Vec<String> = Vec::new();
    let mut made: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        let Some((level, message)) = message_of(line) else { continue };
        let address = message.strip_prefix("create ").and_then(|rest| rest.split(' ').next()?.split_once('/'));
        if let (Some((component, kind)), "INFO") = (address, level) {
            // `ec2.subnet.private-1` is a `subnet`.
            let kind = kind.split('.').nth(1).unwrap_or(kind).to_owned();
            match made.iter_mut().find(|(name, _)| name == component) {
                Some((_, kinds)) => kinds.push(kind),
                None => made.push((component.to_owned(), vec![kind])),
            }
            continue;
        }
        // The two services that call each other wait for names that the emulated ECS does not give.
        if message.contains("discovery_name") {
            continue;
        }
        short.push(if level == "INFO" { message.to_owned() } else { format!("{level} {message}") });
    }
    let made: Vec<String> =
        made.into_iter().map(|(component, kinds)| format!("create {component:<20} {}", counted(kinds))).collect();
    let at = short
        .iter()
        .position(|line| !line.starts_with("the agent") && !line.starts_with("new revision"))
        .unwrap_or(short.len());
    short.splice(at..at, made);
    short
}

/// A long line at its arrows and fields, so that nobody has to scroll.
fn wrapped(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let last = parts.len() - 1;
        let breaks = word.starts_with('→') || word.starts_with("help=") || word.starts_with('[');
        if parts[last].chars().count() + word.chars().count() > 110 || (breaks && line.chars().count() > 110) {
            parts.push("        ".to_owned());
        }
        let last = parts.len() - 1;
        parts[last].push_str(word);
    }
    parts
}

/// `4 subnet, vpc`.
fn counted(mut kinds: Vec<String>) -> String {
    kinds.sort();
    let mut words: Vec<String> = Vec::new();
    for part in kinds.chunk_by(|a, b| a == b) {
        words.push(if part.len() == 1 { part[0].clone() } else { format!("{} {}", part.len(), part[0]) });
    }
    words.join(", ")
}

/// The level and the message of a line of the log.
fn message_of(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(' ')?;
    let (level, rest) = rest.trim_start().split_once(' ')?;
    let message = match rest.strip_prefix("reconcile{") {
        Some(rest) => rest.split_once("}: ")?.1,
        None => rest,
    };
    Some((level, message.trim_start()))
}
