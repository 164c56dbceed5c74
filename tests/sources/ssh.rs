//! Sources over SSH, from OpenSSH's server: every way in which a host, a key, an agent, a repository or the connection can be wrong has
//! words of its own, AWS is not called meanwhile, and the agent goes on with the next commit once it is put right.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Seen, Site, World, compare_with_documentation, files, source};
use crate::bench::emulator::Emulator;
use crate::bench::proxy::Proxy;
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::bench::say;
use crate::bench::ssh_server::{Agent, SshServer, Wire, is_there, make_key, put};
use crate::bench::wire::Wire as Aws;

const HOST: &str = "src-ssh-host";
const KEY: &str = "src-ssh-key";
const AGENT: &str = "src-ssh-agent";
const REPOSITORY: &str = "src-ssh-repository";
const CUT: &str = "src-ssh-cut";
const SILENT: &str = "src-ssh-silent";
const STACKS: [&str; 6] = [HOST, KEY, AGENT, REPOSITORY, CUT, SILENT];

/// A followed repository and the server before it.
struct Ssh<'a> {
    site: Site<'a>,
    server: SshServer,
}

/// What every host key that the server has is pinned as.
fn pinned(server: &SshServer) -> String {
    ["ed25519", "ecdsa", "rsa"].map(|kind| server.pin(kind)).concat()
}

fn settings(stack: &str, server: &SshServer) -> String {
    let login = match stack {
        AGENT => format!("ssh_agent = \"{}\"", server.at("agent").display()),
        _ => format!("ssh_key = \"{}\"", server.at("key").display()),
    };
    let known_hosts = server.at("known_hosts");
    put(&known_hosts, pinned(server));
    format!("interval = \"1s\"\ntimeout = \"6s\"\nknown_hosts = \"{}\"\n{login}", known_hosts.display())
}

impl Ssh<'_> {
    /// Fails without a new commit. The next one is there before it is put right: whoever read it meanwhile would call AWS.
    fn suffers(
        &mut self,
        what: &'static str,
        words: &'static str,
        fail: impl FnOnce(&mut SshServer),
        mend: impl FnOnce(&mut SshServer),
    ) -> Seen {
        let Self { site, server } = self;
        let server = std::cell::RefCell::new(server);
        let mended = |site: &mut Site<'_>| {
            let revision = site.commit();
            mend(&mut server.borrow_mut());
            revision
        };
        site.suffers(what, words, |_| fail(&mut server.borrow_mut()), mended)
    }

    /// The same of what is known of the host.
    fn doubts(
        &mut self,
        what: &'static str,
        words: &'static str,
        known_hosts: impl FnOnce(&SshServer) -> String,
    ) -> Seen {
        let fail = |server: &mut SshServer| put(&server.at("known_hosts"), known_hosts(server));
        self.suffers(what, words, fail, |server| put(&server.at("known_hosts"), pinned(server)))
    }

    /// The same of the file with the key.
    fn refuses(&mut self, what: &'static str, words: &'static str, fail: impl FnOnce(&mut SshServer)) -> Seen {
        let mend = |server: &mut SshServer| server.change_key("ed25519", "", true);
        self.suffers(what, words, fail, mend)
    }

    /// Works, and tells of nothing.
    fn thrives(&mut self, what: &str, change: impl FnOnce(&mut SshServer)) {
        let mark = self.site.world.agent.mark();
        // Between its parts whatever is asked may be refused, which is no matter here.
        change(&mut self.server);
        let revision = self.site.commit();
        self.site.applied(mark, &revision);
        say(&format!("over SSH: {what}"));
    }
}

fn hosts(ssh: &mut Ssh<'_>) -> Vec<Seen> {
    let mut seen = vec![
        ssh.doubts("host that is not known", "is not known (", |_| {
            "example.org ssh-ed25519 ".to_owned() + ED25519 + "\n"
        }),
        ssh.doubts("host key that has changed", "has changed (", |server| {
            format!("{} ssh-ed25519 {ED25519}\n", server.host())
        }),
        ssh.doubts("host key that was revoked", "is revoked (", |server| {
            format!("{}@revoked {}", server.pin("ed25519"), server.pin("ed25519"))
        }),
        ssh.doubts("broken file of known hosts", "cannot be used: line 4: its key is not base64", |server| {
            format!("{}{} ssh-ed25519 A?\n", pinned(server), server.host())
        }),
    ];
    let gone = |server: &mut SshServer| fs::remove_file(server.at("known_hosts")).unwrap();
    let back = |server: &mut SshServer| put(&server.at("known_hosts"), pinned(server));
    seen.push(ssh.suffers("no file of known hosts", "cannot be used: No such file", gone, back));
    // It has an RSA key alone, and another type is pinned.
    let fail = |server: &mut SshServer| {
        put(&server.at("known_hosts"), server.pin("ed25519"));
        server.offer(&["rsa"], "");
    };
    let mend = |server: &mut SshServer| {
        put(&server.at("known_hosts"), pinned(server));
        server.offer(&["ed25519", "ecdsa", "rsa"], "");
    };
    seen.push(ssh.suffers("host key of another type", "is not known (ssh-rsa", fail, mend));
    // Newer than what the agent speaks.
    let new = "KexAlgorithms sntrup761x25519-sha512@openssh.com";
    let nothing_in_common = |server: &mut SshServer| server.offer(&["ed25519"], new);
    seen.push(ssh.suffers(
        "nothing in common",
        "could not agree with the agent on how to talk",
        nothing_in_common,
        mend,
    ));
    for kind in ["ed25519", "ecdsa", "rsa"] {
        ssh.thrives(&format!("a host key of the type {kind} alone"), |server| {
            put(&server.at("known_hosts"), server.pin(kind));
            server.offer(&[kind], "");
        });
    }
    ssh.thrives("a hashed name", |server| {
        let file = server.at("hashed");
        fs::write(&file, server.pin("rsa")).unwrap();
        let status =
            Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).stderr(std::process::Stdio::null()).status();
        assert!(status.unwrap().success());
        let hashed = fs::read_to_string(&file).unwrap();
        assert!(hashed.starts_with("|1|"), "{hashed}");
        put(&server.at("known_hosts"), hashed);
    });
    ssh.thrives("one entry of many", |server| {
        let other = format!("{} ssh-ed25519 {ED25519}\n", server.host());
        let text = format!(
            "# hosts\n\nexample.org,*.example.org ssh-ed25519 {ED25519} somebody\n@revoked * ssh-ed25519 {ED25519}\n{other}{}",
            pinned(server)
        );
        put(&server.at("known_hosts"), text);
        server.offer(&["ed25519", "ecdsa", "rsa"], "");
    });
    seen
}

/// A public key whose private half nobody has kept.
const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAICY5mbMglkdMEZEqUJ+BkAgkTPGXUfqzBemNuDARyx8t";

fn keys(ssh: &mut Ssh<'_>) -> Vec<Seen> {
    let mode =
        |server: &SshServer, mode| fs::set_permissions(server.at("key"), fs::Permissions::from_mode(mode)).unwrap();
    let passphrase = "it has a passphrase, and nobody is here to type it";
    let mut seen = vec![
        ssh.refuses("key that is not let in", "may not log in with this key", |server| {
            server.change_key("ed25519", "", false);
        }),
        ssh.refuses("key with a passphrase", passphrase, |server| server.change_key("ed25519", "secret", false)),
        ssh.refuses("key that others can read", "others can read it (its mode is 644)", |server| mode(server, 0o644)),
        ssh.refuses("no key file", "cannot be used: No such file", |server| fs::remove_file(server.at("key")).unwrap()),
        ssh.refuses("public key in the place of the private one", "it is no private key", |server| {
            put(&server.at("key"), fs::read(server.at("key.pub")).unwrap());
        }),
    ];
    let user = ssh.server.user().to_owned();
    let kinds = ["ed25519", "ecdsa", "rsa"];
    let deny = |server: &mut SshServer| server.offer(&kinds, &format!("DenyUsers {user}"));
    let allow = |server: &mut SshServer| server.offer(&kinds, "");
    seen.push(ssh.suffers("user who may not log in", "may not log in with this key", deny, allow));
    let passwords =
        |server: &mut SshServer| server.offer(&kinds, "PubkeyAuthentication no\nPasswordAuthentication yes");
    seen.push(ssh.suffers(
        "server that takes no keys",
        "wants another kind of credentials than a key",
        passwords,
        allow,
    ));
    for kind in ["ecdsa", "rsa"] {
        ssh.thrives(&format!("a key of the type {kind}"), |server| {
            server.change_key(kind, "", true);
        });
    }
    seen
}

/// An agent that answers so to everybody, or nothing at all.
fn false_agent(server: &SshServer, answer: Option<&'static [u8]>) {
    let new = server.at("agent.new");
    let listener = UnixListener::bind(&new).unwrap();
    fs::rename(new, server.at("agent")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 64]);
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer);
                }
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
    });
}

fn agents(ssh: &mut Ssh<'_>, agent: Agent) -> Vec<Seen> {
    // Those before live on: a reading may be in the middle of a conversation with one.
    let agents = std::cell::RefCell::new(vec![agent]);
    let begin =
        |server: &SshServer, keys: &[PathBuf]| agents.borrow_mut().push(Agent::start(&server.at("agent"), keys));
    let mend = |server: &mut SshServer| begin(server, &[server.at("key")]);
    let gone = |server: &mut SshServer| fs::remove_file(server.at("agent")).unwrap();
    let mut seen = vec![ssh.suffers("no SSH agent", "cannot be used: No such file", gone, mend)];
    let empty = |server: &mut SshServer| begin(server, &[]);
    seen.push(ssh.suffers("SSH agent without a key", "it holds no key", empty, mend));
    let other = |server: &mut SshServer| {
        make_key(&server.at("other"), "ed25519", "");
        begin(server, &[server.at("other")]);
    };
    seen.push(ssh.suffers("SSH agent with another key", "may not log in with this key", other, mend));
    let garbage = |server: &mut SshServer| false_agent(server, Some(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    seen.push(ssh.suffers("not an SSH agent", "it does not answer as an SSH agent", garbage, mend));
    let silent = |server: &mut SshServer| false_agent(server, None);
    seen.push(ssh.suffers("silent SSH agent", "6 s and was stopped while logging in", silent, mend));
    ssh.thrives("the agent with many keys, the right one last", |server| {
        let mut keys: Vec<_> = ["first", "second"].map(|name| server.at(name)).into();
        for key in &keys {
            make_key(key, "ed25519", "");
        }
        keys.push(server.at("key"));
        begin(server, &keys);
    });
    seen
}

fn repositories(ssh: &mut Ssh<'_>) -> Vec<Seen> {
    let serve = format!("exec git-upload-pack '{}'", ssh.site.folder.display());
    let scripts = [
        (
            "no such repository",
            "does not appear to be a git repository",
            "exec git-upload-pack /srv/git/gone.git".to_owned(),
        ),
        (
            "server that says why not",
            "ERROR: repository access is denied",
            "echo 'ERROR: repository access is denied.' >&2; exit 1".to_owned(),
        ),
        ("server that says nothing", "broke off before everything was there", "exit 1".to_owned()),
        ("welcome for branches", "did not answer as a Git server", "echo Welcome to example.org; exec cat".to_owned()),
        ("session that is killed", "broke off before everything was there", "kill -9 $PPID".to_owned()),
    ];
    let mut seen = Vec::new();
    for (what, words, script) in scripts {
        let fail = |server: &mut SshServer| server.runs(&script);
        seen.push(ssh.suffers(what, words, fail, |server| server.runs(&serve)));
    }
    let empty = ssh.site.folder.with_extension("empty");
    git2::Repository::init(&empty).unwrap();
    let fail = |server: &mut SshServer| server.runs(&format!("exec git-upload-pack '{}'", empty.display()));
    seen.push(ssh.suffers("empty repository", "has no commit yet", fail, |server| server.runs(&serve)));
    seen
}

/// Text of so many bytes that does not compress well.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + u8::try_from(state >> 57).unwrap() % 90)
    })
    .take(bytes)
    .collect()
}

/// A new commit whose pack is larger than what is said before it.
fn large(site: &mut Site<'_>) {
    site.revisions += 1;
    let mut files = files(site.stack, site.revisions);
    files.insert("noise.txt".to_owned(), noise(400_000) + &site.revisions.to_string());
    commit_to(&site.folder, "main", &files);
}

fn wires(ssh: &mut Ssh<'_>) -> Vec<Seen> {
    // What a server says up to its key is longer than 300 bytes, and up to the pack shorter than 100,000.
    let ways: &[(&'static str, &'static str, Wire)] = match ssh.site.stack {
        CUT => &[
            ("not an SSH server", "did not answer as an SSH server", Wire::Instead("HTTP/1.1 400 Bad Request\r\n\r\n")),
            ("hangs up at once", "did not answer as an SSH server", Wire::Cut(0)),
            ("endless welcome", "6 s and was stopped while connecting", Wire::Endless("Welcome to example.org!\r\n")),
            ("endless line", "6 s and was stopped while connecting", Wire::Endless("Welcome to example.org! ")),
            ("cut in the exchange of keys", "could not agree with the agent on how to talk", Wire::Cut(300)),
            ("cut in the pack", "broke off before everything was there", Wire::Cut(100_000)),
        ],
        _ => &[
            ("silent at once", "6 s and was stopped while connecting", Wire::Silent(0)),
            ("silent in the exchange of keys", "6 s and was stopped while connecting", Wire::Silent(300)),
            ("silent in the pack", "6 s and was stopped while receiving the pack", Wire::Silent(100_000)),
        ],
    };
    let mut seen = Vec::new();
    for (what, words, how) in ways {
        let Ssh { site, server } = ssh;
        let fail = |site: &mut Site<'_>| {
            server.set(*how);
            large(site);
        };
        let mend = |site: &mut Site<'_>| {
            let revision = site.commit();
            server.set(Wire::Well);
            revision
        };
        seen.push(site.suffers(what, words, fail, mend));
    }
    if ssh.site.stack == SILENT {
        let serve = format!("exec git-upload-pack '{}'", ssh.site.folder.display());
        let fail = |server: &mut SshServer| server.runs("exec cat >/dev/null");
        let words = "6 s and was stopped while logging in or receiving the list of branches";
        seen.push(ssh.suffers("silent before the branches", words, fail, |server| server.runs(&serve)));
    }
    seen
}

#[test]
fn whatever_goes_wrong_over_ssh_is_named_and_nothing_else_happens() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut text = format!("cache = \"{}\"\n\n", at("cache").display());
    let (mut servers, mut agent) = (Vec::new(), None);
    for stack in STACKS {
        commit_to(&at(stack), "main", &files(stack, 0));
        let server = SshServer::start(&at(&format!("{stack}.server")), &at(stack));
        text += &source(&server.url(), &settings(stack, &server));
        if stack == AGENT {
            agent = Some(Agent::start(&server.at("agent"), &[server.at("key")]));
        }
        servers.push((stack, server));
    }
    fs::write(at("agent.toml"), text + "[reconcile]\ndrift = \"1h\"\nat_once = 8\n").unwrap();
    let proxy = Proxy::start(&Aws::new(Emulator::shared())).unwrap();
    let mut world = World { agent: Running::start(&at("agent.toml"), proxy.env()), proxy };
    for stack in STACKS {
        world.agent.wait_for(0, &["converged", stack]);
    }
    let begun = Instant::now();
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let (world, at) = (&world, &at);
        let mut threads = Vec::new();
        for (stack, server) in servers {
            let agent = if stack == AGENT { agent.take() } else { None };
            threads.push(scope.spawn(move || {
                let mut ssh = Ssh { site: Site::new(world, stack, at(stack), server.shown()), server };
                let seen = match stack {
                    HOST => hosts(&mut ssh),
                    KEY => keys(&mut ssh),
                    AGENT => agents(&mut ssh, agent.unwrap()),
                    REPOSITORY => repositories(&mut ssh),
                    _ => wires(&mut ssh),
                };
                let (host, user) = (ssh.server.host(), format!("`{}`", ssh.server.user()));
                let own = ssh.server.at("").display().to_string();
                seen.into_iter()
                    .map(|one| {
                        let message = one
                            .message
                            .replace(&host, "HOST")
                            .replace(&user, "`USER`")
                            .replace(&own, "/etc/gitops-agent/");
                        Seen { message, ..one }
                    })
                    .collect::<Vec<_>>()
            }));
        }
        let results: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        results.into_iter().flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    assert!(world.agent.lives());
    let slowest = seen.iter().max_by_key(|one| one.told).unwrap();
    assert!(slowest.told < Duration::from_secs(30), "{}: {:?}", slowest.what, slowest.told);
    say(&format!("{} failures over SSH in {:.0?}, each told within {:.1?}", seen.len(), begun.elapsed(), slowest.told));
    let (status, _) = world.agent.stop();
    assert!(status.success(), "{status}");
    compare_with_documentation("ssh", &seen);
}
