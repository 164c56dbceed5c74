//! What people see of findings, and that nothing is applied against them.

use std::path::Path;
use std::process::{Command, Output};

use crate::bench::name::Kind;
use crate::bench::record;
use crate::cli::{Bench, ends};

fn validate(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.arg("validate").arg(".").args(more).current_dir(folder).env_clear().output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const OPEN: &str = "[stack]\nname = \"open\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n\n[network.main]\n\
    cidr = \"10.20.0.0/16\"\n\n[service.web]\nimage = \"123456789012.dkr.ecr.eu-north-1.amazonaws.com/web:1\"\ntier  = \"public\"\n";

#[test]
fn a_finding_is_shown_as_every_other_problem_with_file_line_and_path() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stack.toml"), OPEN).unwrap();
    let output = validate(folder.path(), &[]);
    ends(&output, 1);
    insta::assert_snapshot!(out(&output), @r#"
    error[private-subnets-only]: `service.web` can be reached from the internet: the internet → network.main/ec2.internet_gateway → 0.0.0.0/0 → network.main/ec2.route_table.public → network.main/ec2.subnet.public-1 → service.web/ecs.service (and through 1 more)
      --> stack.toml:11:9
       |
    11 | tier  = "public"
       |         ^^^^^^^^
       |
       = help: say `tier = "private"` in `[service.web]`
    "#);
    let json: serde_json::Value = serde_json::from_str(&out(&validate(folder.path(), &["--output", "json"]))).unwrap();
    let problem = &json[0]["problems"]["problems"][0];
    assert_eq!(problem["code"], "private-subnets-only");
    assert_eq!((problem["file"].as_str(), problem["line"].as_u64()), (Some("stack.toml"), Some(11)));
}

#[test]
fn the_examples_are_good() {
    let output = validate(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests"), &[]);
    ends(&output, 0);
    assert_eq!(out(&output).lines().filter(|line| line.ends_with("no problems")).count(), 4, "{}", out(&output));
}

#[test]
fn nothing_is_written_against_a_rule() {
    let bench = Bench::new();
    let revision = bench.commit(OPEN);
    for command in ["diff", "apply"] {
        let output = bench.at(command, &revision);
        ends(&output, 1);
        assert!(out(&output).contains("error[private-subnets-only]"), "{}", out(&output));
    }
    let calls = bench.proxy.wire().calls();
    assert!(calls.iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(&calls));
}
