//! `/metrics` as Prometheus sees it: in both formats, by the grammar, and by Prometheus' own program where there is one.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{get, get_as, is_there, openmetrics};
use crate::bench::say;

/// What Prometheus says that it takes.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

/// The numbers of an agent, which are right.
pub fn numbers(at: SocketAddr) -> String {
    let open = get_as(at, "/metrics", ACCEPT);
    assert!(open.head.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"), "{}", open.head);
    let families = openmetrics::parse(&open.body).unwrap_or_else(|error| panic!("{error}\n{}", open.body));
    assert!(families.len() > 10, "{families:?}");
    let classic = get(at, "/metrics");
    assert!(classic.head.contains("text/plain; version=0.0.4; charset=utf-8"), "{}", classic.head);
    if !is_there("promtool") {
        say("skipped: there is no promtool to ask about /metrics");
        return open.body;
    }
    // It reads the one format alone, and has its own opinion about names.
    let output = promtool(&["check", "metrics"], &classic.body);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{}", String::from_utf8_lossy(&said), classic.body);
    let folder = tempfile::tempdir().unwrap();
    let output = read(folder.path(), &open.body);
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), open.body);
    open.body
}

fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have found a mistake, and not have read all of it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Prometheus' reader of `OpenMetrics`, to be had by the way of making a database; that wants to know when each sample was taken.
fn read(folder: &Path, open: &str) -> Output {
    let timed = |line: &str| if line.starts_with('#') { format!("{line}\n") } else { format!("{line} 1700000000\n") };
    let file = folder.join("numbers.txt");
    std::fs::write(&file, open.lines().map(timed).collect::<String>()).unwrap();
    let (file, database) = (file.to_str().unwrap(), folder.join("database"));
    promtool(&["tsdb", "create-blocks-from", "openmetrics", file, database.to_str().unwrap()], "")
}

#[test]
fn promtool_refuses_what_is_wrong() {
    if !is_there("promtool") {
        say("skipped: there is no promtool to be asked");
        return;
    }
    let right = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n";
    assert!(promtool(&["check", "metrics"], right).status.success());
    for wrong in [right.replace("a_total", "a"), right.replace("counter", "info"), right.replace(" 1", "")] {
        assert!(!promtool(&["check", "metrics"], &wrong).status.success(), "{wrong}");
    }
    let right = "# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n";
    let folder = tempfile::tempdir().unwrap();
    assert!(read(folder.path(), right).status.success());
    for wrong in [right.replace("# EOF\n", ""), right.replace("a_total 1", "a_total one")] {
        assert!(!read(folder.path(), &wrong).status.success(), "{wrong}");
    }
}
