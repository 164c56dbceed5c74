//! What SSH logs in with, looked at before libssh2 is: that tells a key with a passphrase, or an agent that is not there, as a refusal by
//! the server. Nothing here connects to another host, and no private key leaves the file or the agent.
//!
//! **The agent.** libssh2 finds its socket in the environment alone, as [`SOCKET`]; the parent of the child sets that one variable.
//! Whoever has the socket can have things signed, and cannot have the key.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Cause, GitError};

/// The variable of the environment that names an agent's socket.
pub const SOCKET: &str = "SSH_AUTH_SOCK";
/// No key is as large.
const KEY_BYTES: u64 = 64 << 10;
/// An agent answers at once; one that asks a person does so for a signature.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of an agent's answer; OpenSSH's has the same bound.
const ANSWER_BYTES: u32 = 256 << 10;

/// Whether the file can be a private key that needs nobody to unlock it, and that others cannot read.
pub fn check_key(path: &Path) -> Result<(), GitError> {
    let unusable = |source| GitError::SshKey { path: path.display().to_string(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unusable(Cause::from(&error)))?;
    let known = file.metadata().map_err(|error| unusable(Cause::from(&error)))?;
    file.take(KEY_BYTES).read_to_end(&mut bytes).map_err(|error| unusable(Cause::from(&error)))?;
    // OpenSSH's rule: of another owner's file, as systemd gives credentials, the owner decides who reads it.
    let own = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == known.uid());
    if own && known.mode() & 0o077 != 0 {
        return Err(unusable(Cause::new(format!("others can read it (its mode is {:o})", known.mode() & 0o777))));
    }
    match why_not(&String::from_utf8_lossy(&bytes)) {
        Some(why) => Err(unusable(Cause::new(why))),
        None => Ok(()),
    }
}

/// Why a text is no private key that can be used.
fn why_not(text: &str) -> Option<&'static str> {
    let Some((_, rest)) = text.split_once("-----BEGIN ") else { return Some("it is no private key") };
    let Some((kind, body)) = rest.split_once("-----") else { return Some("it is no private key") };
    if !kind.ends_with("PRIVATE KEY") {
        return Some("it is no private key");
    }
    let locked = "it has a passphrase, and nobody is here to type it";
    if kind.contains("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Some(locked);
    }
    if kind != "OPENSSH PRIVATE KEY" {
        return None;
    }
    let body: String = body.split("-----").next()?.split_ascii_whitespace().collect();
    let Ok(blob) = STANDARD.decode(body) else { return Some("it is damaged") };
    // A word, and then the name of the cipher with its length before it.
    let Some(rest) = blob.strip_prefix(b"openssh-key-v1\0") else { return Some("it is damaged") };
    if rest.starts_with(b"\0\0\0\x04none") { None } else { Some(locked) }
}

/// Whether an agent is there, the one of the environment, and holds a key.
pub fn check_agent(socket: &Path) -> Result<(), GitError> {
    let unusable = |source| GitError::SshAgent { path: socket.display().to_string(), source };
    if std::env::var_os(SOCKET).as_deref() != Some(socket.as_os_str()) {
        return Err(unusable(Cause::new(format!("{SOCKET} does not name it"))));
    }
    match keys_of(socket) {
        Ok(0) => Err(unusable(Cause::new("it holds no key"))),
        Ok(_) => Ok(()),
        Err(error) => Err(unusable(Cause::from(&error))),
    }
}

/// How many keys an agent has: a question of one byte, and an answer that begins with a number (RFC draft `miller-ssh-agent`).
fn keys_of(socket: &Path) -> io::Result<u32> {
    const REQUEST_IDENTITIES: u8 = 11;
    const IDENTITIES_ANSWER: u8 = 12;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES])?;
    let mut head = [0; 9];
    stream.read_exact(&mut head[..5])?;
    let [a, b, c, d, kind, ..] = head;
    let length = u32::from_be_bytes([a, b, c, d]);
    if kind != IDENTITIES_ANSWER || !(5..=ANSWER_BYTES).contains(&length) {
        return Err(io::Error::other("it does not answer as an SSH agent"));
    }
    stream.read_exact(&mut head[5..])?;
    // An agent that is left in the middle of its answer complains.
    io::copy(&mut stream.take(u64::from(length) - 5), &mut io::sink())?;
    let [.., a, b, c, d] = head;
    Ok(u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // Made with `ssh-keygen`; the first lines of each.
    const PLAIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt\n-----END OPENSSH PRIVATE KEY-----\n";
    const LOCKED: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBW\n-----END OPENSSH PRIVATE KEY-----\n";

    #[test]
    fn a_key_with_a_passphrase_is_told_from_one_without() {
        let locked = Some("it has a passphrase, and nobody is here to type it");
        assert_eq!(why_not(PLAIN), None);
        assert_eq!(why_not(LOCKED), locked);
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0\n\nAAAA\n";
        assert_eq!(why_not(pem), locked);
        assert_eq!(why_not("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"), locked);
        assert_eq!(why_not("-----BEGIN PRIVATE KEY-----\nAAAA\n"), None);
        for text in ["", "ssh-ed25519 AAAA x", "-----BEGIN CERTIFICATE-----\nAAAA\n", "-----BEGIN "] {
            assert_eq!(why_not(text), Some("it is no private key"), "{text}");
        }
        assert_eq!(why_not(&PLAIN.replace("b3Bl", "AAAA")), Some("it is damaged"));
    }

    #[test]
    fn an_agent_is_asked_for_its_keys_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        for (n, (answer, told)) in [
            (&[0, 0, 0, 5, 12, 0, 0, 0, 0][..], Ok(0)),
            (&[0, 0, 0, 9, 12, 0, 0, 0, 3, 1, 2, 3, 4][..], Ok(3)),
            (&[0, 0, 0, 1, 5][..], Err(())),
            (&[0xff, 0xff, 0xff, 0xff, 12, 0, 0, 0, 1][..], Err(())),
            (&[0, 0, 0, 5, 12, 0][..], Err(())),
            (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Err(())),
        ]
        .into_iter()
        .enumerate()
        {
            let path = folder.path().join(n.to_string());
            let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut question = [0; 5];
                stream.read_exact(&mut question).unwrap();
                let _ = stream.write_all(answer);
                question
            });
            assert_eq!(keys_of(&path).map_err(|_| ()), told, "{answer:?}");
            assert_eq!(server.join().unwrap(), [0, 0, 0, 1, 11]);
        }
        assert!(keys_of(&folder.path().join("nobody")).is_err());
    }
}
