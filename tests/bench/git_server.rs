//! A Git server on loopback: `git upload-pack` behind HTTP, with TLS or without, on a thread of its own. What it does wrong is set
//! while it runs. Needs the program `git`. The unit tests of `agent/src/git` take this file in by its path.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The authority that the server's certificate, which is for `localhost`, is from; for `SSL_CERT_FILE`.
pub const AUTHORITY: &[u8] = include_bytes!("../../agent/files/tests/tls/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../agent/files/tests/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../agent/files/tests/tls/server.key");
/// For `localhost` as well, but from nobody.
const STRANGER: &[u8] = include_bytes!("tls/stranger.pem");
const STRANGERS_KEY: &[u8] = include_bytes!("tls/stranger.key");

/// A part of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Before a byte of HTTP.
    Tls,
    /// The answer with the branches.
    Branches,
    /// The answer with the pack.
    Pack,
}

/// What the server does.
#[derive(Clone, Default)]
pub enum How {
    /// Serves.
    #[default]
    Well,
    /// Wants this `user:password`, and serves.
    Credentials(&'static str),
    /// Does not announce this feature of the protocol, and serves.
    Without(&'static str),
    /// Answers this status to everybody.
    Status(&'static str),
    /// Sends everybody to this repository.
    Redirect(String),
    /// Hangs up in the middle of a part.
    Cut(Part),
    /// Ends a part in the middle as if that were all.
    Short(Part),
    /// Sends half of a part, and nothing more while it keeps the connection.
    Silent(Part),
    /// Sends something else in the place of a part.
    Garbage(Part),
    /// Sends what becomes of the pack.
    Pack(Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// Shows a certificate that no authority has given.
    Stranger,
}

impl How {
    /// What it does to a part.
    fn to(&self, part: Part) -> Fault {
        match self {
            Self::Cut(of) if *of == part => Fault::Cut,
            Self::Short(of) if *of == part => Fault::Short,
            Self::Silent(of) if *of == part => Fault::Silent,
            Self::Garbage(of) if *of == part => Fault::Garbage,
            _ => Fault::None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Cut,
    Short,
    Silent,
    Garbage,
}

#[derive(Default)]
struct State {
    repository: Mutex<PathBuf>,
    how: Mutex<How>,
    /// Held by every connection that is served well.
    serving: RwLock<()>,
    /// One line for each request.
    log: Mutex<Vec<String>>,
    connections: Mutex<usize>,
    is_down: Mutex<bool>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server. It ends with the test's process, or with [`GitServer::down`].
pub struct GitServer {
    port: u16,
    scheme: &'static str,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for GitServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitServer").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl GitServer {
    /// Serves the repository over https.
    pub fn https(repository: &Path) -> Self {
        Self::new(repository, "https")
    }

    /// Serves it over http.
    pub fn http(repository: &Path) -> Self {
        Self::new(repository, "http")
    }

    fn new(repository: &Path, scheme: &'static str) -> Self {
        let state = Arc::new(State { repository: Mutex::new(repository.to_owned()), ..State::default() });
        let mut server = Self { port: 0, scheme, state, thread: None };
        server.up();
        server
    }

    /// The host as its certificate has it, and otherwise by its address.
    pub fn host(&self) -> &'static str {
        if self.scheme == "https" { "localhost" } else { "127.0.0.1" }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("{}://{}:{}/r.git", self.scheme, self.host(), self.port)
    }

    /// From now on: whoever was being served well has been when this returns, and saw nothing of what comes after it.
    pub fn set(&self, how: How) {
        *locked(&self.state.how) = how;
        drop(self.state.serving.write());
    }

    /// From now on.
    pub fn serve(&self, repository: &Path) {
        repository.clone_into(&mut locked(&self.state.repository));
    }

    /// The requests since this was asked last.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.state.log))
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        *locked(&self.state.connections)
    }

    /// Listens no longer.
    pub fn down(&mut self) {
        *locked(&self.state.is_down) = true;
        // The thread sees it at the next connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Listens, again on the same port.
    ///
    /// # Panics
    /// When somebody else has taken the port.
    pub fn up(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port is free");
        self.port = listener.local_addr().expect("it has an address").port();
        *locked(&self.state.is_down) = false;
        let (state, tls) = (self.state.clone(), self.scheme == "https");
        self.thread = Some(std::thread::spawn(move || {
            for stream in listener.incoming() {
                if *locked(&state.is_down) {
                    return;
                }
                *locked(&state.connections) += 1;
                let state = state.clone();
                // A client that hangs up is part of the tests.
                std::thread::spawn(move || connection(stream.expect("a connection"), &state, tls).ok());
            }
        }));
    }
}

fn connection(mut stream: TcpStream, state: &State, tls: bool) -> io::Result<()> {
    let (how, _serving) = {
        let how = locked(&state.how);
        (how.clone(), matches!(*how, How::Well).then(|| state.serving.read()))
    };
    match how.to(Part::Tls) {
        Fault::None => {}
        Fault::Silent => return wait_for_the_end(&mut stream),
        Fault::Garbage => {
            hear(&mut stream)?;
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
        // What was sent is read first: else the client's system says that its connection was reset, or not, as it comes.
        Fault::Cut | Fault::Short => return hear(&mut stream),
    }
    if !tls {
        return converse(stream, state, &how).map(|_| ());
    }
    let server = ServerConnection::new(config(matches!(how, How::Stranger))).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(server, stream);
    if converse(&mut stream, state, &how)? {
        stream.conn.send_close_notify();
        stream.flush()?;
    }
    Ok(())
}

fn config(stranger: bool) -> Arc<ServerConfig> {
    let (chain, key) = if stranger { (STRANGER, STRANGERS_KEY) } else { (CERTIFICATE, KEY) };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let chain = vec![CertificateDer::from_pem_slice(chain).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("they go together"))
}

/// The first that the client says.
fn hear(stream: &mut impl Read) -> io::Result<()> {
    BufReader::new(stream).fill_buf().map(|_| ())
}

/// Until the client gives up.
fn wait_for_the_end(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(|_| ())
}

struct Request {
    line: String,
    body: Vec<u8>,
    credentials: Option<String>,
}

fn read_request(stream: &mut impl Read) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut credentials) = (String::new(), 0, None);
    reader.read_line(&mut line)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            "authorization" => credentials = value.strip_prefix("Basic ").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request { line, body, credentials })
}

/// One request and its answer; whether the connection may end well.
fn converse(mut stream: impl Read + Write, state: &State, how: &How) -> io::Result<bool> {
    let request = read_request(&mut stream)?;
    locked(&state.log).push(request.line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    let wanted = match how {
        How::Credentials(wanted) => Some(base64::engine::general_purpose::STANDARD.encode(wanted)),
        _ => None,
    };
    let short = match how {
        How::Status(status) => Some(((*status).to_owned(), String::new())),
        How::Redirect(to) => {
            let to = format!("Location: {to}/info/refs?service=git-upload-pack\r\n");
            Some(("302 Found".to_owned(), to))
        }
        _ if wanted.is_some() && wanted != request.credentials => {
            Some(("401 Unauthorized".to_owned(), "WWW-Authenticate: Basic realm=\"x\"\r\n".to_owned()))
        }
        _ => None,
    };
    if let Some((status, header)) = short {
        let head = format!("HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n");
        return stream.write_all(head.as_bytes()).map(|()| true);
    }
    let part = if request.line.starts_with("GET") { Part::Branches } else { Part::Pack };
    let answer = upload_pack(&locked(&state.repository).clone(), part, &request.body, how)?;
    deliver(stream, part, &answer, how.to(part))
}

fn deliver(mut stream: impl Read + Write, part: Part, answer: &[u8], fault: Fault) -> io::Result<bool> {
    let kind = if part == Part::Branches { "advertisement" } else { "result" };
    let garbage = vec![b'?'; answer.len()];
    // In the middle of what matters: a line with a branch, or an object.
    let middle = answer.windows(4).position(|w| w == b"PACK").map_or(answer.len() / 2, |at| at + 20);
    let (said, sent) = match fault {
        Fault::None => (answer.len(), answer),
        Fault::Garbage => (answer.len(), &garbage[..]),
        Fault::Short => (middle, &answer[..middle]),
        Fault::Cut | Fault::Silent => (answer.len(), &answer[..middle]),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}\r\nContent-Length: {said}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(sent)?;
    stream.flush()?;
    if fault == Fault::Silent {
        wait_for_the_end(&mut stream)?;
    }
    Ok(fault != Fault::Cut)
}

fn upload_pack(repository: &Path, part: Part, body: &[u8], how: &How) -> io::Result<Vec<u8>> {
    let advertise = part == Part::Branches;
    let mut command = Command::new("git");
    command.args(["-c", "uploadpack.allowAnySHA1InWant=false", "-c", "safe.directory=*"]);
    command.args(["upload-pack", "--stateless-rpc"]).args(advertise.then_some("--advertise-refs")).arg(repository);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    // It may have ended already: what it says then is for the client to judge.
    let _ = child.stdin.take().expect("it is piped").write_all(body);
    let mut answer = child.wait_with_output()?.stdout;
    match how {
        // The same length, so that the packet's length stays right.
        How::Without(feature) => {
            while let Some(at) = answer.windows(feature.len()).position(|w| w == feature.as_bytes()) {
                answer[at..at + feature.len()].fill(b'x');
            }
        }
        How::Pack(change) if !advertise => answer = with_pack(&answer, change.as_ref()),
        _ => {}
    }
    if advertise {
        answer.splice(0..0, *b"001e# service=git-upload-pack\n0000");
    }
    Ok(answer)
}

/// The answer with another pack in it.
fn with_pack(answer: &[u8], change: &dyn Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (mut before, mut pack, mut rest) = (Vec::new(), Vec::new(), answer);
    while let Some((digits, _)) = rest.split_at_checked(4) {
        let length = std::str::from_utf8(digits).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let (line, after) = rest.split_at(length.expect("a length").max(4));
        match line.get(4) {
            Some(1) => pack.extend(&line[5..]),
            Some(2 | 3) => {}
            // The last one ends the side band, and comes after the pack.
            None if !pack.is_empty() => {}
            _ => before.extend(line),
        }
        rest = after;
    }
    if pack.is_empty() {
        return before;
    }
    for piece in change(pack).chunks(65_515) {
        before.extend(format!("{:04x}\x01", piece.len() + 5).bytes());
        before.extend(piece);
    }
    before.extend(b"0000");
    before
}
