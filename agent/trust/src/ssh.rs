//! Signatures of SSH: PROTOCOL.sshsig of OpenSSH. What `ssh-keygen -Y find-principals` and `-Y verify -n git` do for Git, with the
//! commit's own time (`-Overify-time`) for the one that counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::{HashAlg, PublicKey, Signature, SshSig};

use crate::Signed;
use crate::allowed::{AllowedSigners, Signer, fingerprint};
use crate::commit::Commit;
use crate::refusal::{Kind, Refusal, time};

/// What Git signs for.
const NAMESPACE: &str = "git";

/// The parts of a signature.
struct Parts<'a> {
    key: &'a [u8],
    namespace: &'a str,
    hash: &'a [u8],
    signature: &'a [u8],
}

pub fn verify(allowed: &AllowedSigners, commit: &Commit, armored: &[u8]) -> Result<Signed, Refusal> {
    let blob = unwrap(armored)?;
    let parts = take_apart(&blob)?;
    if let Some((name, _)) = string(parts.key)
        && name.ends_with(b"-cert-v01@openssh.com")
    {
        return Err(Refusal::UnknownFormat { what: "SSH with a certificate".into() });
    }
    let key = PublicKey::from_bytes(parts.key).map_err(|error| Refusal::malformed(format!("its key: {error}")))?;
    let print = fingerprint(key.key_data());
    let lines: Vec<&Signer> = allowed.of_key(key.key_data()).collect();
    if lines.is_empty() {
        return Err(Refusal::UnknownKey { kind: Kind::Ssh, fingerprint: print });
    }
    check(&key, &parts, &commit.payload, &print)?;
    let mut refusals = Vec::new();
    for line in lines {
        match is_allowed(line, commit.committed, &print) {
            Ok(()) => return Ok(Signed { fingerprint: print, name: line.principals.clone() }),
            Err(refusal) => refusals.push(refusal),
        }
    }
    // There was a line, and each was either good or refused.
    Err(refusals.swap_remove(0))
}

/// The base64 between the first line and the last, however it is cut into lines.
fn unwrap(armored: &[u8]) -> Result<Vec<u8>, Refusal> {
    let text = String::from_utf8_lossy(armored);
    let mut lines = text.lines().map(str::trim_end).skip(1);
    let body: String = lines.by_ref().take_while(|line| *line != "-----END SSH SIGNATURE-----").collect();
    // `take_while` has taken the last line, if there was one.
    if !text.contains("\n-----END SSH SIGNATURE-----") || lines.any(|line| !line.is_empty()) {
        return Err(Refusal::malformed("it does not end where it should"));
    }
    STANDARD.decode(body).map_err(|_| Refusal::malformed("what should be base64 is not"))
}

fn take_apart(blob: &[u8]) -> Result<Parts<'_>, Refusal> {
    let cut = || Refusal::malformed("it is cut off");
    let rest = blob.strip_prefix(b"SSHSIG").ok_or_else(|| Refusal::malformed("it is not one of SSH"))?;
    let (version, rest) = rest.split_at_checked(4).ok_or_else(cut)?;
    if version != [0, 0, 0, 1] {
        return Err(Refusal::malformed("it is of another version than 1"));
    }
    let (key, rest) = string(rest).ok_or_else(cut)?;
    let (namespace, rest) = string(rest).ok_or_else(cut)?;
    let (_reserved, rest) = string(rest).ok_or_else(cut)?;
    let (hash, rest) = string(rest).ok_or_else(cut)?;
    let (signature, rest) = string(rest).ok_or_else(cut)?;
    if !rest.is_empty() {
        return Err(Refusal::malformed("something follows it"));
    }
    let namespace = std::str::from_utf8(namespace).map_err(|_| Refusal::malformed("its namespace is not text"))?;
    Ok(Parts { key, namespace, hash, signature })
}

/// A string of RFC 4251, and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// Whether the key has made this signature over this text, with algorithms that are good enough.
fn check(key: &PublicKey, parts: &Parts<'_>, payload: &[u8], print: &str) -> Result<(), Refusal> {
    let fingerprint = || print.to_owned();
    let hash = match parts.hash {
        b"sha256" => HashAlg::Sha256,
        b"sha512" => HashAlg::Sha512,
        other => {
            let what = format!("the digest {}", crate::printable(&String::from_utf8_lossy(other)));
            return Err(Refusal::Weak { fingerprint: fingerprint(), what });
        }
    };
    if let Some((b"ssh-rsa", _)) = string(parts.signature) {
        return Err(Refusal::Weak { fingerprint: fingerprint(), what: "RSA with SHA-1".into() });
    }
    let signature = Signature::try_from(parts.signature).map_err(|error| Refusal::malformed(error.to_string()))?;
    if parts.namespace.is_empty() {
        return Err(Refusal::WrongNamespace { fingerprint: fingerprint(), namespace: String::new() });
    }
    // The reserved part is not signed, and OpenSSH takes it for empty, too.
    let signed = SshSig::new(key.key_data().clone(), parts.namespace, hash, signature);
    let signed = signed.map_err(|error| Refusal::malformed(error.to_string()))?;
    key.verify(parts.namespace, payload, &signed).map_err(|_| Refusal::BadSignature { fingerprint: fingerprint() })?;
    if parts.namespace != NAMESPACE {
        let namespace = crate::printable(parts.namespace);
        return Err(Refusal::WrongNamespace { fingerprint: fingerprint(), namespace });
    }
    Ok(())
}

/// Whether a line of the file lets its key sign commits at that time.
fn is_allowed(line: &Signer, at: i64, print: &str) -> Result<(), Refusal> {
    let fingerprint = print.to_owned();
    if !line.options.may_sign_for(NAMESPACE) {
        let allowed = crate::printable(line.options.namespaces.as_deref().unwrap_or_default());
        return Err(Refusal::NamespaceNotAllowed { fingerprint, allowed });
    }
    match (line.options.valid_after, line.options.valid_before) {
        (Some(from), _) if at < from => Err(Refusal::NotYetValid { fingerprint, at: time(at), from: time(from) }),
        (_, Some(until)) if at > until => Err(Refusal::Expired { fingerprint, at: time(at), until: time(until) }),
        _ => Ok(()),
    }
}
