//! A machine with the systemd of this one as its first process: a container of `systemd-nspawn` with the programs of this machine to
//! read, a root of its own to write, and the network of this one. It boots within a second, and ends with this value or this
//! process. Units of it are real: system calls are filtered, users are made, credentials are loaded, watchdogs bite. What a
//! container cannot show is what the kernel limits by control groups (`MemoryMax=`, `DevicePolicy=`): those stay this machine's.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::say;

/// How long it may take to boot, and to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// The programs of this machine that it has at their own paths.
const PROGRAMS: [&str; 7] = ["cat", "journalctl", "kill", "sh", "systemctl", "systemd-analyze", "test"];
/// What units of ours need (`LoadCredential=` from `/etc/credstore`).
const OLDEST: u32 = 252;

/// A booted machine.
pub struct Machine {
    folder: tempfile::TempDir,
    nspawn: Child,
    /// The first process of the machine, as this one numbers it.
    leader: String,
    /// Two at once would share a control group, and with it their units.
    _alone: File,
}

impl Machine {
    /// Boots, with this program as `/usr/bin/agent` and what `furnish` puts into the root. `None`, and a word about it, where this
    /// machine does not allow that.
    pub fn boot(agent: &Path, furnish: impl FnOnce(&Path)) -> Option<Self> {
        if let Some(why) = why_not() {
            say(&format!("skipped: no systemd can be booted: {why}"));
            return None;
        }
        let alone = File::create(std::env::temp_dir().join("gitops-agent-machine.lock")).expect("a lock");
        alone.lock().expect("it can be waited for");
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        make_root(&root).expect("the folder is the test's own");
        furnish(&root);
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        let log = File::create(folder.path().join("boot.log")).expect("a log");
        let mut nspawn = nspawn(&root, agent);
        nspawn.env("NOTIFY_SOCKET", folder.path().join("notify")).stdin(Stdio::null());
        nspawn.stdout(log.try_clone().expect("a log")).stderr(log);
        let mut nspawn = nspawn.spawn().expect("it is there");
        if let Some(leader) = leader(&mut nspawn, &socket) {
            return Some(Self { folder, nspawn, leader, _alone: alone });
        }
        let _ = nspawn.kill().and_then(|()| nspawn.wait());
        let said = fs::read_to_string(folder.path().join("boot.log")).unwrap_or_default();
        say(&format!("skipped: this machine does not let a test boot systemd: {}", said.trim()));
        None
    }

    /// A path of the machine's, as this one has it; nothing below `/run` and `/tmp`, which are made at boot.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    /// Runs a program in it.
    pub fn run(&self, command: &[&str]) -> Output {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--target", &self.leader, "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--"]).args(command);
        nsenter.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).output().expect("it is there")
    }

    /// Runs one that has to end well, and gives what it says.
    ///
    /// # Panics
    /// When it does not; the message has what it says.
    pub fn do_run(&self, command: &[&str]) -> String {
        let output = self.run(command);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// A property of a unit.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.do_run(&["systemctl", "show", unit, "--value", "--property", name]).trim().to_owned()
    }

    /// What the journal has of a unit, with more to say which.
    pub fn journal(&self, unit: &str, more: &[&str]) -> Vec<Value> {
        let said = self.do_run(&[&["journalctl", "--no-pager", "--output=json", "--unit", unit], more].concat());
        said.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "TERM", &self.nspawn.id().to_string()]).status();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE / 4 {
            if !matches!(self.nspawn.try_wait(), Ok(None)) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        // With its first process all of them end.
        let _ = Command::new("kill").args(["-s", "KILL", &self.leader]).status();
        let _ = self.nspawn.wait();
    }
}

fn why_not() -> Option<String> {
    if !fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return Some("only root may".into());
    }
    for tool in ["systemd-nspawn", "systemctl", "journalctl", "systemd-analyze", "nsenter", "setpriv", "kill"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return Some(format!("there is no {tool}"));
        }
    }
    let said = Command::new("systemctl").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version =
        String::from_utf8_lossy(&said).split([' ', '.', '~']).nth(1).and_then(|number| number.parse::<u32>().ok());
    match version {
        Some(version) if version >= OLDEST => None,
        _ => Some(format!("systemd is older than {OLDEST}")),
    }
}

/// A root with nothing but where things of this machine are shown, and what makes systemd ask no questions.
fn make_root(root: &Path) -> io::Result<()> {
    for folder in ["etc/gitops-agent", "etc/credstore", "etc/systemd/system", "var", "usr/bin", "usr/host-bin"] {
        fs::create_dir_all(root.join(folder))?;
    }
    // Whatever the mask of this process: others than root have to find their way.
    for folder in ["", "etc", "etc/gitops-agent", "var", "usr", "usr/bin"] {
        fs::set_permissions(root.join(folder), Permissions::from_mode(0o755))?;
    }
    for link in ["bin", "sbin", "lib", "lib32", "lib64"] {
        if let Ok(target) = fs::read_link(Path::new("/").join(link)) {
            symlink(target, root.join(link))?;
        }
    }
    for program in PROGRAMS {
        symlink(Path::new("../host-bin").join(program), root.join("usr/bin").join(program))?;
    }
    File::create(root.join("usr/bin/agent"))?;
    for (file, text) in [
        ("etc/os-release", "ID=machine\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/hosts", "127.0.0.1 localhost\n"),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ("etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
        // Nothing is to be made anew because /usr has changed.
        ("etc/.updated", ""),
        ("var/.updated", ""),
    ] {
        File::create(root.join(file))?.write_all(text.as_bytes())?;
        fs::set_permissions(root.join(file), Permissions::from_mode(0o644))?;
    }
    Ok(())
}

fn nspawn(root: &Path, agent: &Path) -> Command {
    let mut nspawn = Command::new("setpriv");
    nspawn.args(["--pdeathsig", "TERM", "systemd-nspawn", "--quiet", "--boot", "--machine=gitops-agent-test"]);
    nspawn
        .args(["--register=no", "--notify-ready=yes", "--console=pipe", "--link-journal=no", "--directory"])
        .arg(root);
    if !Path::new("/run/systemd/system").exists() {
        // Nobody is there to be asked for a unit.
        nspawn.arg("--keep-unit");
    }
    for entry in fs::read_dir("/usr").expect("it is there").map_while(Result::ok) {
        // Of programs it has few, and one more.
        if entry.file_name() != "bin" && entry.path().is_dir() && !entry.path().is_symlink() {
            nspawn.arg(format!("--bind-ro={}", entry.path().display()));
        }
    }
    nspawn.arg("--bind-ro=/usr/bin:/usr/host-bin").arg(format!("--bind-ro={}:/usr/bin/agent", agent.display()));
    nspawn.arg("systemd.unit=basic.target");
    nspawn
}

/// The first process, once the machine says that it has booted.
fn leader(nspawn: &mut Child, socket: &UnixDatagram) -> Option<String> {
    let (mut leader, mut bytes, begun) = (None, [0; 4096], Instant::now());
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time");
    while begun.elapsed() < PATIENCE && matches!(nspawn.try_wait(), Ok(None)) {
        let Ok(length) = socket.recv(&mut bytes) else { continue };
        let said = String::from_utf8_lossy(&bytes[..length]).into_owned();
        for line in said.lines() {
            match line.split_once('=') {
                Some(("X_NSPAWN_LEADER_PID", pid)) => leader = Some(pid.to_owned()),
                Some(("READY", "1")) => return leader,
                _ => {}
            }
        }
    }
    None
}
