//! What the agent tells systemd, with the test in its place: a socket that hears `sd_notify`, and a watchdog that bites.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::{Home, repository};

/// After how long without a sign of life systemd would kill.
const WATCHDOG: Duration = Duration::from_secs(3);

/// What is told, as it is.
struct Systemd {
    told: Receiver<(Instant, String)>,
    all: Vec<(Instant, String)>,
}

impl Systemd {
    fn new(home: &mut Home) -> Self {
        let path = home.at("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (sender, told) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                if sender.send((Instant::now(), text)).is_err() {
                    return;
                }
            }
        });
        home.env.insert("NOTIFY_SOCKET".into(), path.to_str().unwrap().into());
        home.env.insert("WATCHDOG_USEC".into(), WATCHDOG.as_micros().to_string());
        Self { told, all: Vec::new() }
    }

    /// The next message with these words; what comes before is kept.
    fn hear(&mut self, words: &str) -> (Instant, String) {
        let until = Instant::now() + super::PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message = self.told.recv_timeout(left).unwrap_or_else(|_| panic!("no `{words}` in {:?}", self.all));
            self.all.push(message.clone());
            if message.1.contains(words) {
                return message;
            }
        }
    }

    /// Whether there is a sign of life in the time that systemd waits for one.
    fn is_fed(&mut self) -> bool {
        let until = Instant::now() + WATCHDOG;
        loop {
            match self.told.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    self.all.push(message.clone());
                    if message.1.contains("WATCHDOG=1") {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn systemd_hears_that_it_is_ready_that_it_lives_how_it_is_and_that_it_stops() {
    let mut home = Home::new();
    repository(&home.at("manifests"), "one");
    home.configure(home.at("manifests").to_str().unwrap(), "", "");
    let mut systemd = Systemd::new(&mut home);
    let agent = home.start();
    let (ready, message) = systemd.hear("READY=1");
    assert!(!message.contains("RELOADING"), "{message}");
    systemd.hear("STATUS=stacks: 1 retrying");
    // Three times as often as it has to be.
    for _ in 0..6 {
        systemd.hear("WATCHDOG=1");
    }
    let fed = systemd.all.iter().filter(|(_, message)| message.contains("WATCHDOG=1")).map(|(at, _)| *at);
    let fed: Vec<Instant> = fed.collect();
    assert!(fed.windows(2).all(|pair| pair[1].duration_since(pair[0]) < WATCHDOG), "{:?}", systemd.all);
    assert!(ready.elapsed() > WATCHDOG, "it is fed by the clock, and not as often as it can be: {:?}", systemd.all);
    agent.signal("HUP");
    let (_, message) = systemd.hear("RELOADING=1");
    let time = message.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
    systemd.hear("READY=1");
    // A wrong configuration is the end of reloading as well.
    home.configure(home.at("manifests").to_str().unwrap(), "", "[reconcile]\nat_once = 0\n");
    agent.signal("HUP");
    systemd.hear("RELOADING=1");
    systemd.hear("READY=1");
    agent.wait_for(0, &["the new configuration is not used"]);
    systemd.hear("WATCHDOG=1");
    let (status, _) = agent.stop();
    assert!(status.success());
    systemd.hear("STOPPING=1");
}

#[test]
fn a_loop_that_hangs_feeds_the_watchdog_no_longer_and_is_started_anew() {
    let mut home = Home::new();
    let folder = home.at("manifests");
    repository(&folder, "one");
    home.configure(folder.to_str().unwrap(), "", "");
    let mut systemd = Systemd::new(&mut home);
    // The log goes to somebody who does not read it: sooner or later whoever writes a line waits for ever.
    let (mut reader, log) = UnixStream::pair().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.args(["run", "--config"]).arg(home.at("agent.toml")).env_clear().envs(&home.env);
    let stderr = Stdio::from(OwnedFd::from(log.try_clone().unwrap()));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    systemd.hear("READY=1");
    systemd.hear("STATUS=stacks: 1 retrying");
    assert!(systemd.is_fed());
    fill(&log);
    // The loop tells of it, and hangs.
    repository(&folder, "two");
    let begun = Instant::now();
    while systemd.is_fed() {
        assert!(begun.elapsed() < super::PATIENCE, "it does not hang");
    }
    assert!(child.try_wait().unwrap().is_none(), "it lives");
    // Somebody reads the log: the loop goes on, and so does the feeding.
    reader.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let begun = Instant::now();
    let mut fed = false;
    while !fed {
        let _ = reader.read(&mut [0; 4096]);
        fed = systemd.told.try_iter().any(|(_, message)| message.contains("WATCHDOG=1"));
        assert!(begun.elapsed() < super::PATIENCE, "it hangs although the log is read");
    }
    // It hangs again. What systemd does then: a signal that leaves a core, and another start.
    fill(&log);
    repository(&folder, "three");
    while systemd.is_fed() {}
    let killed = Command::new("kill").args(["-s", "ABRT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().signal(), Some(6));
    let agent = home.start();
    systemd.hear("READY=1");
    assert!(systemd.is_fed());
    agent.wait_for(0, &["new revision"]);
}

#[test]
fn the_journal_hears_how_grave_a_line_is_and_nobody_else_does() {
    let home = Home::new();
    home.configure(home.at("nothing").to_str().unwrap(), "", "[reconcile]\nat_once = 0\n");
    let (mut reader, log) = UnixStream::pair().unwrap();
    let stream = std::fs::File::from(OwnedFd::from(log.try_clone().unwrap())).metadata().unwrap();
    let stream = format!("{}:{}", stream.dev(), stream.ino());
    // Where `JOURNAL_STREAM` is inherited, and stderr goes elsewhere, nobody takes anything off a line.
    let said = |named: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["run", "--config"]).arg(home.at("agent.toml")).env_clear().env("JOURNAL_STREAM", named);
        let status = command.stdin(Stdio::null()).stderr(OwnedFd::from(log.try_clone().unwrap())).status().unwrap();
        assert_eq!(status.code(), Some(2));
    };
    said(&stream);
    said("8:1");
    drop(log);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("<3>{") && lines[1].starts_with('{'), "{text}");
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(line.trim_start_matches("<3>")).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert!(
            line["fields"]["message"].as_str().unwrap().contains("agent.toml:6:11: `at_once` is at least 1"),
            "{line}"
        );
    }
}

/// Writes until nothing more can be written.
fn fill(mut log: &UnixStream) {
    log.set_nonblocking(true).unwrap();
    while log.write_all(&[b'x'; 512]).is_ok() {}
    while log.write_all(b"x").is_ok() {}
    log.set_nonblocking(false).unwrap();
}
