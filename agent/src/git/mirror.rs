//! Bare mirrors of repositories on other hosts. A mirror is a cache: one folder for each URL, one fetch of one reference with a
//! depth of one where the server allows that, and thrown away when it is damaged or has grown too many packs. It holds nothing
//! that could not be fetched again.
//!
//! **Depth.** The first fetch takes a commit without its history. The next ones take all that came after it, for a commit has to go on
//! from the one before. Where that one is not here (a new cache), the history is fetched in steps of [`DEEPER`] commits until it is,
//! or all of it is there; the limits on a fetch hold for each of them.
//!
//! The advertised references are read first, since libgit2 fetches a branch that has vanished as a success, and the fetch goes
//! over the same connection. Redirects to another host are refused: libgit2's "initial" setting follows them and would show
//! the credentials there.

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use git2::{
    AutotagOption, CertificateCheckStatus, Cred, CredentialType, Direction, FetchOptions, FetchPrune, ObjectType, Oid,
    ProxyOptions, RemoteCallbacks, RemoteRedirect, Repository, RepositoryInitOptions,
};

use super::history::has_commit;
use super::known_hosts::{self, KnownHosts, Verdict};
use super::trust::{Checked, Demands};
use super::url::{Remote, Transport};
use super::{Auth, Cause, GitError, Limits, Snapshot, error, local, login, tree};

/// Where the fetched commit is kept, so that the next fetch can tell the server what is here.
const KEPT: &str = "refs/agent/wanted";
/// Files among the packs before a mirror is made anew. A fetch leaves two.
const PACK_FILES: usize = 100;
/// How much history is fetched where more of it is needed than is here. The last is Git's number for all.
const DEEPER: [i32; 3] = [100, 5_000, i32::MAX];

/// What is needed to read from another host.
pub struct Mirror<'a> {
    /// The repository.
    pub remote: &'a Remote,
    /// Credentials and pinned host keys.
    pub auth: &'a Auth,
    /// Bounds on the fetch and on what is read.
    pub limits: &'a Limits,
    /// The folder that holds all mirrors.
    pub scratch: &'a Path,
    /// Is told what is being done.
    pub stage: &'a dyn Fn(&str),
}

/// What is fetched: a name, and the commit where it names one.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    rev: &'a str,
    exact: Option<Oid>,
}

/// How much history is fetched.
#[derive(Clone, Copy)]
enum Depth {
    /// A commit alone.
    Commit,
    /// What came after the commits that are here.
    New,
    /// So many commits, whatever is here.
    History(i32),
}

impl Mirror<'_> {
    /// Fetches a revision and reads the folder `path` of it, unless it is a commit that is known, if it is one that may be read.
    /// Waits while another process uses the same mirror.
    pub fn read_newer(&self, rev: &str, path: &str, demands: &Demands) -> Result<Option<Snapshot>, GitError> {
        let hosts = self.known_hosts()?;
        let folder = self.folder()?;
        (self.stage)("waiting for another reading of the same repository");
        let _lock = Self::lock(&folder)?;
        tidy(&folder).map_err(|e| scratch_error(&folder, &e))?;
        let result = self.read_locked(&folder, rev, path, demands, hosts.as_ref());
        if !matches!(result, Err(GitError::Corrupt { .. } | GitError::Damaged { .. })) {
            return result;
        }
        // Either the cache is damaged or the server sends damaged objects; a second try tells which.
        Self::remove(&folder)?;
        self.read_locked(&folder, rev, path, demands, hosts.as_ref())
    }

    fn read_locked(
        &self,
        folder: &Path,
        rev: &str,
        path: &str,
        demands: &Demands,
        hosts: Option<&KnownHosts>,
    ) -> Result<Option<Snapshot>, GitError> {
        let mut repository = Self::open(folder)?;
        let exact = if rev.len() == 40 && local::is_hex(rev) { Oid::from_str(rev).ok() } else { None };
        let wanted = Wanted { rev, exact };
        let mut target = match exact {
            // A commit never changes: what is here needs no question to the server.
            Some(id) if has_commit(&repository, id) => id,
            _ if demands.has_base(&repository) => self.fetch(&repository, wanted, Depth::New, hosts)?,
            _ => self.fetch(&repository, wanted, Depth::Commit, hosts)?,
        };
        let mut deeper = DEEPER.into_iter();
        loop {
            // What was known of the history may have changed.
            repository = Self::open(folder)?;
            (self.stage)("reading the objects");
            let commit = local::peel(&repository, target, rev, &self.remote.shown)?;
            if let Checked::Sound { signer } = demands.check(&repository, commit, &self.remote.shown)? {
                return tree::newer(&repository, commit, demands.unwanted(commit), signer, path, self.limits);
            }
            let depth = deeper.next().ok_or_else(|| GitError::CutHistory { url: self.remote.shown.clone() })?;
            target = self.fetch(&repository, wanted, Depth::History(depth), hosts)?;
        }
    }

    /// A server without a key of a pinned type ends the exchange of keys, and nobody learns what it has. Asked once more for whichever
    /// it likes, it shows one, which is judged as any other.
    fn fetch(
        &self,
        repository: &Repository,
        wanted: Wanted<'_>,
        depth: Depth,
        known: Option<&KnownHosts>,
    ) -> Result<Oid, GitError> {
        match self.fetch_once(repository, wanted, depth, known) {
            Err(GitError::KeyExchange { .. }) if prefer("").unwrap_or(false) => {
                self.fetch_once(repository, wanted, depth, known)
            }
            result => result,
        }
    }

    /// Reads the advertised references, then fetches the wanted one unless it is here already.
    fn fetch_once(
        &self,
        repository: &Repository,
        Wanted { rev, exact }: Wanted<'_>,
        depth: Depth,
        known: Option<&KnownHosts>,
    ) -> Result<Oid, GitError> {
        let session =
            Session { mirror: self, known, failure: RefCell::default(), asked: Cell::new(0), met: Cell::new(false) };
        let mut remote = repository.remote_anonymous(&self.remote.url).map_err(|e| session.explain(&e))?;
        if remote.url_bytes() != self.remote.url.as_bytes() {
            return Err(GitError::Rewritten { url: self.remote.shown.clone() });
        }
        // A server without shallow fetches says so only when it is asked for one; the connection is then used up.
        let depths = match depth {
            Depth::Commit => [Some(1), Some(0)],
            Depth::New => [Some(0), None],
            Depth::History(depth) => [Some(depth), Some(0)],
        };
        for number in depths.into_iter().flatten() {
            (self.stage)("connecting");
            let mut connection = remote
                .connect_auth(Direction::Fetch, Some(session.callbacks()), Some(ProxyOptions::new()))
                .map_err(|e| session.explain(&e))?;
            let heads = connection.list().map_err(|e| session.explain(&e))?;
            let (name, id) = self.choose(rev, exact, heads.iter().map(|head| (head.name(), head.oid())))?;
            if has_commit(repository, id) && !matches!(depth, Depth::History(_)) {
                return Ok(id);
            }
            let mut options = FetchOptions::new();
            options.remote_callbacks(session.callbacks());
            options.follow_redirects(RemoteRedirect::None);
            options.download_tags(AutotagOption::None);
            options.prune(FetchPrune::Off);
            options.update_fetchhead(false);
            options.depth(number);
            (self.stage)("receiving the pack");
            match connection.remote().fetch(&[format!("+{name}:{KEPT}")], Some(&mut options), None) {
                Ok(()) => return Ok(id),
                Err(error) if number > 0 && error.message().contains("doesn't support shallow") => {}
                Err(error) if error.message().contains("cannot fetch a specific object") => {
                    return Err(GitError::CommitNotOffered { url: self.remote.shown.clone(), rev: rev.to_owned() });
                }
                Err(error) => return Err(session.explain(&error)),
            }
        }
        let source = Cause::new("the server changed its mind about shallow fetches");
        Err(GitError::NotGit { url: self.remote.shown.clone(), source })
    }

    /// The advertised reference that a name stands for, with what it points at.
    fn choose<'h>(
        &self,
        rev: &str,
        exact: Option<Oid>,
        heads: impl Iterator<Item = (&'h str, Oid)> + Clone,
    ) -> Result<(String, Oid), GitError> {
        if let Some(id) = exact {
            let advertised = heads.clone().find(|(name, head)| *head == id && git2::Reference::is_valid_name(name));
            return Ok((advertised.map_or_else(|| id.to_string(), |(name, _)| name.to_owned()), id));
        }
        let names = if rev == "HEAD" { vec![rev.to_owned()] } else { local::candidates(rev) };
        for wanted in names {
            if let Some((_, id)) = heads.clone().find(|(name, _)| *name == wanted) {
                return Ok((wanted, id));
            }
        }
        let url = self.remote.shown.clone();
        if heads.clone().next().is_none() {
            return Err(GitError::Empty { url });
        }
        let near = local::near(rev, heads.map(|(name, _)| name));
        Err(GitError::NoSuchRevision { url, rev: super::text::line(rev, 100), near })
    }

    fn known_hosts(&self) -> Result<Option<KnownHosts>, GitError> {
        if self.remote.transport == Transport::Https {
            return Ok(None);
        }
        let Some(path) = &self.auth.known_hosts else {
            let source = Cause::new("none is configured, and no host key is trusted on first use");
            return Err(GitError::KnownHosts { path: String::new(), source });
        };
        let broken = |source| GitError::KnownHosts { path: path.display().to_string(), source };
        let text = fs::read_to_string(path).map_err(|e| broken(Cause::from(&e)))?;
        let known = KnownHosts::parse(&text).map_err(|why| broken(Cause::new(why)))?;
        prefer(&known.of_host(&self.remote.host, self.port())).map_err(|e| broken(Cause::from(&e)))?;
        Ok(Some(known))
    }

    fn port(&self) -> u16 {
        self.remote.port.unwrap_or(22)
    }

    /// The mirror's folder, named by a digest of the URL.
    fn folder(&self) -> Result<PathBuf, GitError> {
        let name = Oid::hash_object(ObjectType::Blob, self.remote.url.as_bytes())
            .map_err(|e| GitError::Scratch { path: self.scratch.display().to_string(), source: Cause::from(&e) })?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.scratch)
            .map_err(|e| scratch_error(self.scratch, &e))?;
        Ok(self.scratch.join(format!("{name}.git")))
    }

    /// One process at a time; the system lets the lock go when the process ends, however it ends.
    fn lock(folder: &Path) -> Result<File, GitError> {
        let path = folder.with_extension("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(|e| scratch_error(&path, &e))?;
        file.lock().map_err(|e| scratch_error(&path, &e))?;
        Ok(file)
    }

    fn remove(folder: &Path) -> Result<(), GitError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(scratch_error(folder, &error)),
            _ => Ok(()),
        }
    }

    fn open(folder: &Path) -> Result<Repository, GitError> {
        let packs = fs::read_dir(folder.join("objects/pack")).map_or(0, Iterator::count);
        if packs <= PACK_FILES
            && let Ok(repository) = Repository::open_bare(folder)
        {
            return Ok(repository);
        }
        Self::remove(folder)?;
        let broken = |e: &git2::Error| GitError::Scratch { path: folder.display().to_string(), source: Cause::from(e) };
        let mut options = RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).external_template(false).mkpath(false);
        let repository = Repository::init_opts(folder, &options).map_err(|e| broken(&e))?;
        // `connect_auth` takes no setting for redirects; it asks the configuration. "false" still follows one to the same host.
        repository.config().and_then(|mut c| c.set_str("http.followRedirects", "false")).map_err(|e| broken(&e))?;
        Ok(repository)
    }
}

/// Removes what a reading that was killed has left: its half of a pack, and locks, which would stop every later one. Nobody else
/// is at work in a mirror whose own lock is held.
fn tidy(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            tidy(&entry.path())?;
        } else if Path::new(&name).extension().is_some_and(|end| end == "lock")
            || name.as_encoded_bytes().starts_with(b"pack_git2_")
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Has libgit2 ask the server for keys of the types in this file: see [`KnownHosts::of_host`]. Whether there was a place for it: that is
/// the home that was made for this child, and no other.
fn prefer(known_hosts: &str) -> io::Result<bool> {
    let Some(home) = crate::sandbox::own_home() else { return Ok(false) };
    let ssh = home.join(".ssh");
    fs::create_dir_all(&ssh)?;
    fs::write(ssh.join("known_hosts"), known_hosts)?;
    Ok(true)
}

fn scratch_error(path: &Path, error: &io::Error) -> GitError {
    GitError::Scratch { path: path.display().to_string(), source: Cause::from(error) }
}

/// What the callbacks of one fetch share. A callback can only answer libgit2 with a generic error, so the real one is kept here.
struct Session<'a> {
    mirror: &'a Mirror<'a>,
    known: Option<&'a KnownHosts>,
    failure: RefCell<Option<GitError>>,
    asked: Cell<u32>,
    /// The server has shown who it is.
    met: Cell<bool>,
}

impl Session<'_> {
    fn explain(&self, error: &git2::Error) -> GitError {
        let (auth, remote) = (self.mirror.auth, self.mirror.remote);
        let offered = match remote.transport {
            Transport::Https => auth.token.is_some() || remote.password.is_some(),
            Transport::Ssh => auth.ssh_key.is_some() || auth.ssh_agent.is_some(),
        };
        let kept = self.failure.borrow_mut().take();
        kept.unwrap_or_else(|| {
            error::of_this_host(error, self.mirror.scratch)
                .unwrap_or_else(|| error::network(error, &remote.shown, offered, self.met.get()))
        })
    }

    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.credentials(|_, _, allowed| self.credentials(allowed));
        callbacks.certificate_check(|certificate, host| {
            if !self.met.replace(true) {
                let is_ssh = self.mirror.remote.transport == Transport::Ssh;
                let next = if is_ssh {
                    "logging in or receiving the list of branches"
                } else {
                    "receiving the list of branches"
                };
                (self.mirror.stage)(next);
            }
            match certificate.as_hostkey() {
                // TLS: what OpenSSL found decides.
                None => Ok(CertificateCheckStatus::CertificatePassthrough),
                Some(key) => self.host_key(key, host).map(|()| CertificateCheckStatus::CertificateOk),
            }
        });
        callbacks.transfer_progress(|progress| {
            let Limits { fetch_bytes, fetch_objects, .. } = *self.mirror.limits;
            let fits = progress.received_bytes() as u64 <= fetch_bytes;
            if !fits {
                self.fail(GitError::TooLarge { what: "the fetch".to_owned(), limit: fetch_bytes });
            }
            let is_few = progress.total_objects() as u64 <= fetch_objects;
            if !is_few {
                let url = self.mirror.remote.shown.clone();
                self.fail(GitError::TooManyObjects { url, limit: fetch_objects });
            }
            fits && is_few
        });
        callbacks
    }

    fn fail(&self, error: GitError) -> git2::Error {
        let answer = git2::Error::from_str("refused by the agent");
        self.failure.borrow_mut().get_or_insert(error);
        answer
    }

    fn credentials(&self, allowed: CredentialType) -> Result<Cred, git2::Error> {
        let (auth, remote) = (self.mirror.auth, self.mirror.remote);
        let user = remote.user.as_deref();
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user.unwrap_or("git"));
        }
        // libgit2 asks again after a refusal, without end.
        self.asked.set(self.asked.get() + 1);
        let again = self.asked.get() > 1;
        let password = auth.token.as_deref().or(remote.password.as_deref());
        let refused = |offered, why: &str| {
            let source = Cause::new(why);
            self.fail(GitError::Authentication { url: remote.shown.clone(), offered, source })
        };
        if remote.transport == Transport::Ssh {
            let user = user.unwrap_or("git");
            return match (&auth.ssh_key, &auth.ssh_agent) {
                (None, None) => Err(refused(false, "the server asked for a key")),
                _ if !allowed.contains(CredentialType::SSH_KEY) => {
                    Err(refused(true, "the server wants another kind of credentials than a key"))
                }
                _ if again => Err(refused(true, &format!("`{user}` may not log in with this key"))),
                (Some(key), _) => login::check_key(key)
                    .map_err(|error| self.fail(error))
                    .and_then(|()| Cred::ssh_key(user, None, key, None)),
                (None, Some(socket)) => login::check_agent(socket)
                    .map_err(|error| self.fail(error))
                    .and_then(|()| Cred::ssh_key_from_agent(user)),
            };
        }
        match password {
            None => Err(refused(false, "the server asked for credentials")),
            Some(_) if again => Err(refused(true, "the server asked again after they were sent")),
            Some(password) if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                Cred::userpass_plaintext(user.unwrap_or("x-access-token"), password)
            }
            Some(_) => Err(refused(true, "the server wants another kind of credentials")),
        }
    }

    fn host_key(&self, key: &git2::cert::CertHostkey<'_>, host: &str) -> Result<(), git2::Error> {
        let (remote, port) = (self.mirror.remote, self.mirror.port());
        let blob = key.hostkey().unwrap_or_default();
        let kind = known_hosts::algorithm(blob).unwrap_or("an unknown type");
        let digest = key.hash_sha256().map_or_else(|| "no fingerprint".to_owned(), known_hosts::fingerprint);
        let offered = format!("{kind} {digest}");
        let shown = if port == 22 { remote.host.clone() } else { format!("[{}]:{port}", remote.host) };
        // The name that libgit2 connected to must be the one that is looked up.
        let verdict = match self.known {
            Some(known) if host.eq_ignore_ascii_case(&remote.host) => known.check(&remote.host, port, blob),
            _ => Verdict::Unknown { pinned: Vec::new() },
        };
        Err(self.fail(match verdict {
            Verdict::Known => return Ok(()),
            Verdict::Unknown { pinned } => GitError::UnknownHostKey { host: shown, offered, pinned },
            Verdict::Changed => GitError::ChangedHostKey { host: shown, offered },
            Verdict::Revoked => GitError::RevokedHostKey { host: shown, offered },
        }))
    }
}
