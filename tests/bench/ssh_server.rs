//! OpenSSH's `sshd` on loopback, with keys of its own, in front of one repository. What comes from it goes over a wire that does what
//! it is told. Needs `sshd`, `ssh-keygen`, `ssh-agent` and `git`.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::say;

/// What the wire does to each connection.
#[derive(Clone, Copy, Debug, Default)]
pub enum Wire {
    /// Carries everything.
    #[default]
    Well,
    /// Breaks after so many bytes of the server's.
    Cut(usize),
    /// Carries so many bytes of the server's and nothing more, and stays.
    Silent(usize),
    /// Says this in the place of the server, and hangs up.
    Instead(&'static str),
    /// Says this again and again, without end, and not in a hurry: it is for patience to end, whatever else the machine does.
    Endless(&'static str),
}

#[derive(Default)]
struct State {
    /// Where the server is.
    port: Mutex<u16>,
    how: Mutex<Wire>,
    /// Held by every connection that is carried well.
    carrying: RwLock<()>,
}

/// A running server. It ends with this value.
pub struct SshServer {
    folder: PathBuf,
    /// The one that people know.
    port: u16,
    user: String,
    state: Arc<State>,
    daemon: Option<Process>,
}

/// A process that ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn program() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"].iter().map(PathBuf::from).find(|path| path.is_file())
}

/// Whether there is all that this needs; if not, says so.
pub fn is_there() -> bool {
    let missing = if program().is_none() {
        Some("sshd")
    } else {
        let is_missing = |tool: &&str| {
            Command::new(*tool)
                .arg("-?")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_err()
        };
        ["ssh-keygen", "ssh-agent", "ssh-add"].into_iter().find(is_missing)
    };
    if let Some(tool) = missing {
        say(&format!("skipped: there is no {tool}"));
    }
    missing.is_none()
}

/// Makes a file what it is to be at once: whoever reads it finds the old content or the new one.
pub fn put(file: &Path, content: impl AsRef<[u8]>) {
    let new = file.with_extension("new");
    fs::write(&new, content).expect("it can be written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::rename(new, file).expect("it can be written");
}

/// Makes a key in a file that is not there yet.
pub fn make_key(file: &Path, kind: &str, passphrase: &str) {
    run(Command::new("ssh-keygen").args(["-q", "-t", kind, "-C", "", "-N", passphrase, "-f"]).arg(file));
}

fn run(command: &mut Command) {
    let output = command.output().expect("it is there");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The public half of a key, without what people call it.
fn public(file: &Path) -> String {
    let text = fs::read_to_string(file.with_extension("pub")).expect("it was made");
    text.split(' ').take(2).collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

impl SshServer {
    /// Serves a repository from a folder of its own, which is made: with a host key of each type, and to whoever has `key`.
    pub fn start(folder: &Path, repository: &Path) -> Self {
        fs::create_dir(folder).expect("it is new");
        let user = Command::new("id").arg("-un").output().expect("it is there").stdout;
        let user = String::from_utf8(user).expect("it is text").trim().to_owned();
        // Where it separates itself from its privileges, if it has some.
        let _ = fs::create_dir_all("/run/sshd");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        let state = Arc::<State>::default();
        let mut server = Self { folder: folder.to_owned(), port, user, state: state.clone(), daemon: None };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = state.clone();
                // A client that hangs up is part of the tests.
                std::thread::spawn(move || connection(stream.expect("a connection"), &state).ok());
            }
        });
        for kind in ["ed25519", "ecdsa", "rsa"] {
            make_key(&server.at(kind), kind, "");
        }
        make_key(&server.at("key"), "ed25519", "");
        server.authorize(&["key"]);
        server.runs(&format!("exec git-upload-pack '{}'", repository.display()));
        server.offer(&["ed25519", "ecdsa", "rsa"], "");
        server
    }

    /// A file of the server's.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    /// As known hosts have it.
    pub fn host(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    pub fn url(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}/r.git", self.user, self.port)
    }

    /// The same as messages have it.
    pub fn shown(&self) -> String {
        format!("ssh://127.0.0.1:{}/r.git", self.port)
    }

    /// A line of known hosts with the host's key of a type.
    pub fn pin(&self, kind: &str) -> String {
        format!("{} {}\n", self.host(), public(&self.at(kind)))
    }

    /// Lets these keys in, and no others.
    pub fn authorize(&self, keys: &[&str]) {
        let script = self.at("serve.sh");
        let lines =
            keys.iter().map(|key| format!("restrict,command=\"sh {}\" {}\n", script.display(), public(&self.at(key))));
        put(&self.at("authorized_keys"), lines.collect::<String>());
    }

    /// What is run for whoever is let in, from now on.
    pub fn runs(&self, script: &str) {
        put(&self.at("serve.sh"), format!("{script}\n"));
        self.settle();
    }

    /// From now on: whoever was being served well has been when this returns.
    pub fn set(&self, how: Wire) {
        *locked(&self.state.how) = how;
        self.settle();
    }

    fn settle(&self) {
        drop(self.state.carrying.write());
    }

    /// Puts another key in the place of the one that people log in with; `is_let_in` before it is there.
    pub fn change_key(&self, kind: &str, passphrase: &str, is_let_in: bool) {
        let next = self.at("next");
        make_key(&next, kind, passphrase);
        if is_let_in {
            self.authorize(&["next"]);
        }
        for name in ["next.pub", "next"] {
            fs::rename(self.at(name), self.at(&name.replace("next", "key"))).expect("it was made");
        }
    }

    /// Has these host keys from now on, and these settings.
    ///
    /// # Panics
    /// When it does not start; the message has what it said.
    pub fn offer(&mut self, kinds: &[&str], settings: &str) {
        use std::fmt::Write as _;
        let own = self.folder.display();
        let mut text = format!(
            "{settings}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nAuthorizedKeysFile {own}/authorized_keys\nMaxStartups 1000\n"
        );
        for kind in kinds {
            let _ = writeln!(text, "HostKey {own}/{kind}");
        }
        // Newer ones keep out for a while whoever fails often.
        let lenient = format!("{text}PerSourcePenalties no\n");
        let (config, program) = (self.at("sshd_config"), program().expect("it is there"));
        fs::write(&config, &lenient).expect("it can be written");
        let test = Command::new(&program).args(["-t", "-f"]).arg(&config).stderr(Stdio::null()).status();
        if !test.expect("it runs").success() {
            fs::write(&config, text).expect("it can be written");
        }
        // Somebody else may take the port between its choice and its use.
        for _ in 0..5 {
            let free =
                TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
            if let Some(daemon) = self.listen(&program, &config, free) {
                *locked(&self.state.port) = free;
                // The one before ends now; whom it serves, it serves on.
                self.daemon = Some(daemon);
                return;
            }
        }
        panic!("sshd does not start: {}", fs::read_to_string(self.at("log")).unwrap_or_default());
    }

    fn listen(&self, program: &Path, config: &Path, port: u16) -> Option<Process> {
        let log = fs::File::create(self.at("log")).expect("it can be written");
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-o", &format!("ListenAddress=127.0.0.1:{port}"), "-f"]).arg(config);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it starts");
        let (mut daemon, begun) = (Process(child), Instant::now());
        while begun.elapsed() < Duration::from_secs(30) {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(daemon);
            }
            if daemon.0.try_wait().expect("it is ours").is_some() {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        None
    }
}

fn connection(mut client: TcpStream, state: &State) -> io::Result<()> {
    let (how, _carrying) = {
        let how = locked(&state.how);
        (*how, matches!(*how, Wire::Well).then(|| state.carrying.read()))
    };
    let left = match how {
        Wire::Well => usize::MAX,
        Wire::Cut(bytes) | Wire::Silent(bytes) => bytes,
        Wire::Instead(text) => {
            // What was sent is read first: else the client's system says that its connection was reset, or not, as it comes.
            let _ = client.read(&mut [0; 1024])?;
            return client.write_all(text.as_bytes());
        }
        Wire::Endless(text) => loop {
            client.write_all(text.as_bytes())?;
            std::thread::park_timeout(Duration::from_millis(20));
        },
    };
    let server = TcpStream::connect(("127.0.0.1", *locked(&state.port)))?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let back = std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let carried = io::copy(&mut (&server).take(left as u64), &mut client);
    if carried.is_ok_and(|bytes| bytes == left as u64) && matches!(how, Wire::Silent(_)) {
        let _ = back.join();
        return Ok(());
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}

/// An agent of OpenSSH's. It ends with this value.
pub struct Agent {
    socket: PathBuf,
    _process: Process,
}

impl Agent {
    /// One with these keys, in the place of whatever has this socket.
    pub fn start(socket: &Path, keys: &[PathBuf]) -> Self {
        let mut agent = Self::new(&socket.with_extension("new"));
        for key in keys {
            agent.add(key);
        }
        fs::rename(&agent.socket, socket).expect("it listens");
        socket.clone_into(&mut agent.socket);
        agent
    }

    fn new(socket: &Path) -> Self {
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a"]).arg(socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        let (process, begun) = (Process(child.expect("it starts")), Instant::now());
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "ssh-agent does not listen");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Self { socket: socket.to_owned(), _process: process }
    }

    /// Gives it a key.
    fn add(&self, key: &Path) {
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("it is ours");
        run(Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket));
    }
}
