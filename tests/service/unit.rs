//! `systemd/agent.service`: that it is as hardened as it says, and that the agent's children work in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Home, is_there, repository};
use crate::bench::say;

/// A rule with a manifest that it refuses.
pub const RULE: &str = "network-balancers-have-groups";

pub fn refused_by_the_rule() -> String {
    let path = unit().with_file_name("../policies/load-balancer").join(RULE).join("fail/none.toml");
    std::fs::read_to_string(path).unwrap()
}

pub fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd/agent.service")
}

#[test]
fn the_unit_is_exposed_to_little() {
    if !is_there("systemd-analyze") {
        say("skipped: there is no systemd-analyze to ask how exposed the unit is");
        return;
    }
    let mut command = Command::new("systemd-analyze");
    let output =
        command.args(["security", "--offline=true", "--threshold=15", "--no-pager"]).arg(unit()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let level = said.lines().find_map(|line| line.split("agent.service: ").nth(1)).unwrap_or_else(|| panic!("{said}"));
    say(&format!("exposure of the unit: {level}"));
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap();
    assert!(output.status.success() && level <= 1.5, "{said}");
}

#[test]
fn the_unit_and_the_program_agree() {
    let text = std::fs::read_to_string(unit()).unwrap();
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    assert_eq!((value("Type"), value("NotifyAccess"), value("KillMode")), ("notify", "main", "mixed"));
    // What may pass is tried again for as long as it takes, and what is wrong is not.
    assert_eq!((value("Restart"), value("StartLimitIntervalSec")), ("always", "0"));
    assert_eq!(value("RestartPreventExitStatus"), "2");
    // Longer than the agent waits for calls under way, and no longer than people were told.
    assert_eq!(value("TimeoutStopSec"), "30s");
    // The paths of the example configuration are those of the unit's name.
    let example = std::fs::read_to_string(unit().with_file_name("agent.toml")).unwrap();
    for credential in ["git-token", "git-key", "webhook-github", "webhook-gitlab"] {
        assert!(text.contains(&format!("LoadCredential={credential}:")), "{credential}");
        assert!(example.contains(&format!("\"{credential}\"")) || example.contains(&format!("/{credential}\"")));
    }
    // The children limit themselves, and the program is started again by its link.
    assert!(!text.contains("~@resources") && !text.contains("\nNoExecPaths=") && !text.contains("RootDirectory="));
}

/// Runs a program as the unit would, as far as a machine without systemd can: as somebody else, without capabilities or a way to
/// gain any, with a file system that cannot be written but for its own folders, with only its own processes to be seen, no memory
/// that is written and executed, no system calls of the groups that the unit takes away, and no sockets of other families.
/// Arguments: the folder that may be written, and the command. Exits with 77 where the machine does not allow that.
const AS_THE_UNIT: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(what, result):
    if result != 0:
        print(f"{what}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(77)
own, command = sys.argv[1], sys.argv[2:]
NEWNS, BIND, REMOUNT, RDONLY, NOSUID, REC, PRIVATE = 0x20000, 4096, 32, 1, 2, 16384, 1 << 18
if os.geteuid() != 0:
    print("only root can set this up", file=sys.stderr)
    sys.exit(77)
call("a namespace of mounts", libc.unshare(NEWNS))
call("mounts of its own", libc.mount(b"none", b"/", None, REC | PRIVATE, None))
call("its folder", libc.mount(own.encode(), own.encode(), None, BIND, None))
call("a file system to read", libc.mount(b"none", b"/", None, BIND | REMOUNT | RDONLY | NOSUID, None))
for point in [line.split()[1] for line in open("/proc/mounts")]:
    if point not in ("/", own) and not point.startswith(("/proc", "/dev", "/sys")):
        libc.mount(b"none", point.encode(), None, BIND | REMOUNT | RDONLY | NOSUID, None)
call("processes that are its own", libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=invisible,subset=pid"))
os.environ["TMPDIR"] = own
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_MDWE = 38, 22, 24, 65
for capability in range(64):
    libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
call("no new privileges", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)
os.umask(0o077)
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
# @privileged @clock @cpu-emulation @debug @keyring @module @mount @obsolete @raw-io @reboot @swap, by their numbers on x86_64.
taken = [92, 93, 94, 260, 105, 106, 113, 114, 116, 117, 119, 122, 123, 126, 155, 161, 163, 321, 304, 298, 159, 227, 305, 164,
    154, 101, 310, 311, 438, 212, 248, 249, 250, 175, 176, 313, 165, 166, 428, 429, 430, 431, 432, 433, 442, 172, 173, 169, 246,
    320, 167, 168, 134, 139, 156, 174, 177, 178, 180, 272, 308, 303, 425, 426, 427]
LOAD, EQUAL, SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7fff0000, 0x00050000 | 1
program = [(LOAD, 0, 0, 0)]
for number in taken:
    program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
# socket(): AF_UNIX, AF_INET, AF_INET6.
program += [(EQUAL, 0, 5, 41), (LOAD, 0, 0, 16), (EQUAL, 3, 0, 1), (EQUAL, 2, 0, 2), (EQUAL, 1, 0, 10), (RETURN, 0, 0, REFUSE)]
program += [(RETURN, 0, 0, ALLOW)]
filters = b"".join(struct.pack("HBBI", *one) for one in program)
buffer = ctypes.create_string_buffer(filters)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
call("a filter of system calls", libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(Program(len(program), ctypes.addressof(buffer))), 0, 0))
if command == ["probe"]:
    import socket
    def refused(what, attempt):
        try:
            attempt()
        except OSError:
            return
        sys.exit(f"{what} is possible")
    refused("writing elsewhere", lambda: open("/var/tmp/as-the-unit", "w"))
    refused("another's owner", lambda: os.chown(own, 0, 0))
    refused("another user", lambda: os.setuid(0))
    refused("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
    refused("the system's settings", lambda: os.listdir("/proc/sys"))
    refused("the first process", lambda: os.readlink("/proc/1/exe"))
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    open(own + "/probe", "w").write("x")
    os.readlink("/proc/self/exe")
    sys.exit(0)
os.execv(command[0], command)
"#;

/// The same, with this folder as the only one that may be written; `None` where the machine does not allow it.
fn as_the_unit(home: &Home, command: &[&str]) -> Option<(bool, String)> {
    let own = home.at("own");
    let owned = Command::new("chown").arg("-R").arg("65534:65534").arg(&own).status().unwrap();
    if !owned.success() {
        say("skipped: only root can give a folder to the user of the unit");
        return None;
    }
    let mut python = Command::new("python3");
    python.args(["-c", AS_THE_UNIT]).arg(&own).args(command).env_clear().env("HOME", &own).env("PATH", "/usr/bin:/bin");
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        say(&format!("skipped: this machine does not let a test set up what systemd would: {}", said.trim()));
        return None;
    }
    Some((output.status.success(), said.into_owned()))
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_children_work_under_the_restrictions_of_the_unit() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    std::fs::set_permissions(home.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // The children that read Git and that judge by the rules: a folder of this host is read by the first, and a rule that
    // refuses shows that the second has judged.
    let (right, wrong) = (home.at("own/right"), home.at("own/wrong"));
    std::fs::create_dir(home.at("own")).unwrap();
    repository(&right, "one");
    let files = [("stack.toml".to_owned(), refused_by_the_rule())].into();
    crate::bench::repository::commit_to(&wrong, "main", &files);
    // That the restrictions are there.
    let Some((probed, said)) = as_the_unit(&home, &["probe"]) else { return };
    assert!(probed, "{said}");
    let validate = |folder: &Path| {
        let command = [env!("CARGO_BIN_EXE_agent"), "validate", "--repo", folder.to_str().unwrap()];
        as_the_unit(&home, &command).unwrap()
    };
    let (well, said) = validate(&right);
    assert!(well, "{said}");
    let (well, said) = validate(&wrong);
    assert!(!well && said.contains(&format!("[{RULE}]")), "{said}");
}
