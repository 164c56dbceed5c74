//! `cargo demo`: the whole story on an emulated AWS, told as it happens. A repository made from `manifests/`, a commit applied,
//! a second one previewed and applied, a change made by hand found and repaired, the stack destroyed. It runs the shipped
//! binary and nothing else; the exit code is 0 only if every step ended as it should.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "it tells a story, and has nobody to report to but its user"
)]

#[path = "../bench/mod.rs"]
mod bench;

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode};

use bench::emulator::Emulator;

/// The story and what it is told with.
struct Demo {
    emulator: Emulator,
    repo: tempfile::TempDir,
    coloured: bool,
}

type Told<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match story(coloured) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("the demo ended early: {error}");
            ExitCode::FAILURE
        }
    }
}

fn story(coloured: bool) -> Told {
    println!("Starting an emulated AWS (the first time, its Python packages are installed: a minute)");
    let demo = Demo { emulator: Emulator::start()?, repo: tempfile::tempdir()?, coloured };

    demo.chapter("A repository with one stack: a service on Fargate in private subnets, behind a load balancer");
    let manifest = std::fs::read_to_string(manifests().join("hello/stack.toml"))?;
    demo.show(&manifest);
    let first = demo.commit("hello: the first revision", &manifest)?;
    demo.agent(&first, &["validate"], 0)?;

    demo.chapter("Merged: the agent makes AWS equal to the commit");
    demo.agent(&first, &["apply"], 0)?;
    demo.chapter("And once more: nothing is left to do");
    demo.agent(&first, &["diff", "--exit-code"], 0)?;

    demo.chapter("A second commit changes the image and the port; this is what a reviewer reads before the merge");
    let changed = manifest.replace("hello:1.0.0", "hello:1.1.0").replace("8080", "9090");
    let second = demo.commit("hello: 1.1.0 on another port", &changed)?;
    demo.agent(&second, &["diff", "--exit-code"], 1)?;
    demo.agent(&second, &["apply"], 0)?;

    demo.chapter("Somebody opens a security group by hand. The next pass finds it and puts it right");
    demo.by_hand()?;
    demo.agent(&second, &["diff", "--exit-code"], 1)?;
    demo.agent(&second, &["apply"], 0)?;
    demo.agent(&second, &["status"], 0)?;

    demo.chapter("The stack is destroyed");
    demo.agent(&second, &["destroy", "--yes", "--removals", "10"], 0)?;
    println!();
    Ok(())
}

fn manifests() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

impl Demo {
    fn chapter(&self, title: &str) {
        if self.coloured {
            println!("\n\u{1b}[1;36m== {title}\u{1b}[0m\n");
        } else {
            println!("\n== {title}\n");
        }
    }

    fn show(&self, text: &str) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            println!("    {line}");
        }
        println!();
    }

    /// Commits the stack as it is given, and gives the id.
    fn commit(&self, message: &str, manifest: &str) -> Told<String> {
        let repo = git2::Repository::init(self.repo.path())?;
        std::fs::create_dir_all(self.repo.path().join("hello"))?;
        std::fs::write(self.repo.path().join("hello/stack.toml"), manifest)?;
        let mut index = repo.index()?;
        index.add_path(Path::new("hello/stack.toml"))?;
        index.write()?;
        let tree = repo.find_tree(index.write_tree()?)?;
        let who = git2::Signature::now("Demo", "demo@example.org")?;
        let parent = repo.head().ok().map(|head| head.peel_to_commit()).transpose()?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        Ok(repo.commit(Some("HEAD"), &who, &who, message, &tree, &parents)?.to_string())
    }

    /// Runs the shipped binary on a commit.
    fn agent(&self, revision: &str, args: &[&str], expected: i32) -> Told {
        println!("$ agent {} --repo . --rev {}", args.join(" "), &revision[..7]);
        let status = Command::new(env!("CARGO_BIN_EXE_agent"))
            .args(args)
            .args(["--repo", ".", "--rev", revision])
            .current_dir(self.repo.path())
            .envs(self.emulator.env())
            .status()?;
        println!();
        if status.code() == Some(expected) { Ok(()) } else { Err(format!("agent ended with {status}").into()) }
    }

    /// Opens the first group of the stack to the world.
    fn by_hand(&self) -> Told {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let ec2 = aws_sdk_ec2::Client::from_conf(self.config());
            let of_stack = aws_sdk_ec2::types::Filter::builder().name("tag:gitops-agent:stack").values("hello").build();
            let groups = ec2.describe_security_groups().filters(of_stack).send().await?;
            let group = groups.security_groups().first().and_then(|group| group.group_id()).ok_or("no group")?;
            let anybody = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build();
            let ssh = aws_sdk_ec2::types::IpPermission::builder()
                .ip_protocol("tcp")
                .from_port(22)
                .to_port(22)
                .ip_ranges(anybody)
                .build();
            ec2.authorize_security_group_ingress().group_id(group).ip_permissions(ssh).send().await?;
            println!("    (by hand) {group}: port 22 open to 0.0.0.0/0\n");
            Ok(())
        })
    }

    fn config(&self) -> aws_sdk_ec2::Config {
        aws_sdk_ec2::Config::builder()
            .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
            .region(aws_sdk_ec2::config::Region::new("eu-west-1"))
            .endpoint_url(self.emulator.endpoint("ec2"))
            .credentials_provider(aws_sdk_ec2::config::Credentials::new("demo", "demo", None, None, "demo"))
            .build()
    }
}
