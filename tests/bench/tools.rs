//! The real tools that make keys and signatures (`ssh-keygen`, `gpg`, `git`), in a folder of their own and looking nowhere else. The tests of
//! the crate that verifies signatures have this file too.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder with keys. They end with this value, and gpg's agent with them.
pub struct Tools {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Drop for Tools {
    fn drop(&mut self) {
        // Else its agent stays for a while.
        if self.at("gnupg").exists() {
            let _ = self.command("gpgconf").args(["--kill", "all"]).status();
        }
    }
}

impl Tools {
    /// What keeps gpg from asking anybody.
    pub const GPG: [&'static str; 6] =
        ["--batch", "--quiet", "--no-tty", "--pinentry-mode=loopback", "--passphrase=", "--yes"];

    /// An empty folder, and more of an environment than where to look. The error names a tool that is missing.
    pub fn new<'t>(tools: &[&'t str], env: &[(&str, &str)]) -> Result<Self, &'t str> {
        for tool in tools {
            let path = std::env::var_os("PATH").unwrap_or_default();
            if !std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
                return Err(tool);
            }
        }
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(Self { folder: tempfile::tempdir().expect("a folder"), env })
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).expect("it was written")
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("GNUPGHOME", self.at("gnupg")).env("TZ", "UTC");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a tool, and gives its output.
    pub fn run(&self, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
        self.try_run(program, args, input).unwrap_or_else(|said| panic!("{program} {args:?}: {said}"))
    }

    /// The same; what it says where it fails.
    pub fn try_run(&self, program: &str, args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let mut command = self.command(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it is there");
        child.stdin.take().expect("it is piped").write_all(input).expect("it listens");
        let output = child.wait_with_output().expect("it ends");
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// A home for gpg's keys; the first one is called `gnupg`.
    pub fn new_home(&self, name: &str) -> String {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().mode(0o700).create(self.at(name)).expect("it is new");
        self.at(name).to_str().expect("a plain path").to_owned()
    }

    /// Runs gpg, which asks nobody.
    pub fn gpg(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        self.run("gpg", &[&Self::GPG[..], args].concat(), input)
    }
}
