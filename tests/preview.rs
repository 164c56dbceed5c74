//! What merging a pull request would change, with the shipped binary: without AWS and without a connection, and against emulated
//! AWS; and the workflows of `docs/ci`, which are run as they stand there.

mod ci;
mod hostile;
mod live;
mod merge;
mod offline;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::bench::repository::{Files, changed, commit_to};

/// Something that listens where a call would go to, and counts who comes.
pub struct Trap {
    address: String,
    came: Arc<AtomicUsize>,
}

impl Trap {
    pub fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, came }
    }

    /// An environment in which every way out leads here: AWS's endpoints, that of the instance's credentials, and proxies.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let here = ["AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
        here.into_iter().chain(proxies).map(|name| (name, self.address.clone())).collect()
    }

    /// How many came.
    pub fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// A repository with a `main` that a pull request is for.
pub struct Repo {
    pub folder: tempfile::TempDir,
    pub main: String,
    trap: Trap,
}

impl Repo {
    /// One commit on `main`, which is also there as that of a remote.
    pub fn new(files: &Files) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let main = commit_to(folder.path(), "main", files);
        let repo = Self { folder, main, trap: Trap::set() };
        repo.reference("refs/remotes/origin/main", &repo.main);
        repo
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn reference(&self, name: &str, id: &str) {
        let id = git2::Oid::from_str(id).unwrap();
        git2::Repository::open(self.path()).unwrap().reference(name, id, true, "test").unwrap();
    }

    /// Commits these files and no others to a branch that begins at the first commit of `main`.
    pub fn change(&self, files: &Files) -> String {
        self.reference("refs/heads/change", &self.main);
        commit_to(self.path(), "change", files)
    }

    /// Moves `main` on.
    pub fn moves_on(&self, files: &Files) -> String {
        let id = commit_to(self.path(), "main", files);
        self.reference("refs/remotes/origin/main", &id);
        id
    }

    /// `agent diff` of the branch, with no credentials and no way out.
    pub fn offline(&self, more: &[&str]) -> Output {
        let args = ["diff", "--repo", ".", "--rev", "change", "--base", "origin/main", "--offline"];
        let output = self.command(&args, more).output().unwrap();
        assert_eq!(self.trap.came(), 0, "somebody was asked: {}", err(&output));
        output
    }

    /// The binary where every way out leads into the trap.
    pub fn command(&self, args: &[&str], more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(args).args(more).current_dir(self.path()).env_clear().envs(self.trap.env());
        // Credentials there are, so that nothing is missing but the will to use them.
        command.envs([
            ("AWS_ACCESS_KEY_ID", "AKIATEST"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        command
    }

    /// The output as JSON.
    pub fn json(&self, more: &[&str]) -> Value {
        let output = self.offline(&[more, &["--output", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", err(&output)))
    }

    /// The output for a comment.
    pub fn markdown(&self, more: &[&str]) -> String {
        out(&self.offline(&[more, &["--output", "markdown"]].concat()))
    }
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Without what differs from run to run.
pub fn settled(text: &str, ids: &[(&str, &str)]) -> String {
    let pack = agent_policy::bundle::Bundle::pack().unwrap();
    let text =
        ids.iter().fold(text.replace(&pack.digest()[..12], "DIGEST"), |text, (id, name)| text.replace(&id[..12], name));
    text.replace(pack.digest(), "DIGEST")
}

/// A text as TOML has it; what nobody sees is escaped, as a manifest has to have it.
pub fn text(text: &str) -> String {
    let told = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{:04X}", u32::from(c)) };
    Value::from(text).to_string().chars().map(told).collect()
}

/// A stack of parameters.
pub fn parameters(name: &str, values: &[(&str, &str)]) -> String {
    let header = format!("[stack]\nname = \"{name}\"\naccount = \"123456789012\"\nregion = \"eu-central-1\"\n");
    let each = values.iter().map(|(key, value)| format!("\n[parameter.{key}]\nvalue = {}\n", text(value)));
    header + &each.collect::<String>()
}

/// A tree with `um` and the overlay over it.
pub fn two_stages() -> Files {
    let mut files = Files::new();
    for name in ["um", "um-acceptance"] {
        files.extend(crate::bench::repository::below(name, &crate::bench::repository::example(name)));
    }
    files
}

/// The overlay with another image of the inbox, and without the exchange.
pub fn without_exchange(files: &Files) -> Files {
    let own = "um-acceptance/stack.toml";
    let start = files[own].find("[service.exchange]").unwrap();
    let end = files[own].find("[service.inbox]").unwrap();
    let mut files = files.clone();
    let text = files.get_mut(own).unwrap();
    text.replace_range(start..end, "[service]\nexchange = false\n\n[service.web]\nconnect = [\"service.inbox\"]\n\n");
    let files = changed(&files, own, "[service.web]\ncount = 1\n", "");
    let image =
        "count = 1\nconnect = []\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/ghcr/example/inbox:1.5.0\"";
    let files = changed(&files, own, "[service.inbox]\ncount = 1", &format!("[service.inbox]\n{image}"));
    changed(&files, own, "[service.web]\nconnect", "[service.web]\ncount = 1\nconnect")
}
