//! Pinned SSH host keys in OpenSSH's `known_hosts` format (the manual page sshd(8) describes it): plain, hashed and wildcard
//! names, `[host]:port`, `@revoked`. Host certificates (`@cert-authority`) are left out, libssh2 cannot check them. Nothing is
//! ever added to the file.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};

/// The parsed file.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    names: Names,
    revoked: bool,
    algorithm: String,
    key: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Names {
    /// Patterns with `*`, `?` and a leading `!`, in lower case.
    Plain(Vec<String>),
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

/// What the file says about a key that a host offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key is pinned for this host.
    Known,
    /// Nothing is pinned for this host, or only keys of these other types.
    Unknown { pinned: Vec<String> },
    /// Another key of the same type is pinned.
    Changed,
    /// The key is marked as revoked.
    Revoked,
}

impl KnownHosts {
    /// Reads the whole file; the error names the line. A malformed line is an error rather than skipped, since it may have
    /// been meant to revoke a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = parse_line(line).map_err(|why| format!("line {}: {why}", index + 1))?;
            entries.extend(entry);
        }
        Ok(Self { entries })
    }

    /// Judges `key` (the blob as SSH sends it) for a host; `port` 22 is the default and not part of the name.
    pub fn check(&self, host: &str, port: u16, key: &[u8]) -> Verdict {
        let name = name(host, port);
        let about: Vec<&Entry> = self.entries.iter().filter(|e| e.names.matches(&name)).collect();
        if about.iter().any(|e| e.revoked && e.key == key) {
            return Verdict::Revoked;
        }
        let pinned: Vec<&&Entry> = about.iter().filter(|e| !e.revoked).collect();
        if pinned.iter().any(|e| e.key == key) {
            return Verdict::Known;
        }
        if algorithm(key).is_some_and(|offered| pinned.iter().any(|e| e.algorithm == offered)) {
            return Verdict::Changed;
        }
        let mut types: Vec<String> = pinned.iter().map(|e| e.algorithm.clone()).collect();
        types.sort();
        types.dedup();
        Verdict::Unknown { pinned: types }
    }

    /// The usable keys of one host as a file with its plain name only. libgit2 reads such a file from the home folder to choose
    /// which key type it asks the server for; without it a server may offer a type that is not pinned.
    pub fn of_host(&self, host: &str, port: u16) -> String {
        let name = name(host, port);
        let about = self.entries.iter().filter(|e| !e.revoked && e.names.matches(&name));
        let lines: Vec<String> =
            about.map(|e| format!("{name} {} {}\n", e.algorithm, STANDARD.encode(&e.key))).collect();
        lines.concat()
    }
}

/// The algorithm that a key blob names in its first field, such as `ssh-ed25519`.
pub fn algorithm(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok().filter(|name| name.bytes().all(|b| b.is_ascii_graphic()))
}

/// A SHA-256 digest of a key as OpenSSH prints it.
pub fn fingerprint(sha256: &[u8; 32]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(sha256))
}

fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

fn parse_line(line: &str) -> Result<Option<Entry>, String> {
    let mut fields = line.split_ascii_whitespace().peekable();
    let marker = fields.next_if(|field| field.starts_with('@'));
    let revoked = match marker {
        None => false,
        Some("@revoked") => true,
        Some("@cert-authority") => return Ok(None),
        Some(other) => return Err(format!("unknown marker `{}`", super::text::line(other, 40))),
    };
    let (Some(names), Some(declared), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
        return Err("it lacks a field; `host type key` is wanted".to_owned());
    };
    let key = STANDARD.decode(key).map_err(|_| "its key is not base64".to_owned())?;
    if algorithm(&key) != Some(declared) {
        return Err("its key is not of the type that it names".to_owned());
    }
    Ok(Some(Entry { names: Names::parse(names)?, revoked, algorithm: declared.to_owned(), key }))
}

impl Names {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("|1|") else {
            if text.starts_with('|') {
                return Err("its name is hashed in an unknown way".to_owned());
            }
            return Ok(Self::Plain(text.split(',').filter(|p| !p.is_empty()).map(str::to_ascii_lowercase).collect()));
        };
        let decoded =
            rest.split_once('|').and_then(|(s, h)| Some((STANDARD.decode(s).ok()?, STANDARD.decode(h).ok()?)));
        match decoded {
            Some((salt, hash)) if hash.len() == 20 => Ok(Self::Hashed { salt, hash }),
            _ => Err("its hashed name is malformed".to_owned()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => Hmac::<sha1::Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(name.as_bytes()).verify_slice(hash).is_ok()),
            Self::Plain(patterns) => {
                let negated = patterns.iter().filter_map(|p| p.strip_prefix('!')).any(|p| glob(p, name));
                !negated && patterns.iter().any(|p| !p.starts_with('!') && glob(p, name))
            }
        }
    }
}

/// Whether `*` and `?` of a pattern cover a text; linear in memory and at worst quadratic in time.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // Made with `ssh-keygen`; the hashed names with `ssh-keygen -H`.
    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID6m4oR8P8TeO7059cBXGqTK5u1MVwDxEYLvDYCN3G7d";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICY5mbMglkdMEZEqUJ+BkAgkTPGXUfqzBemNuDARyx8t";
    const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCvCIKYTHAgrZHG2caTY5QKe/T+puoAWD/T8bWIj6U/Fs6AjQ6Pz3gsWy5O11gXnECPzxrMTfndn2oDhErvdByO82lG0WHbbaxNi+AjY3ZRgtcwz9JqymnF5FoGS8DemwdJ38G0brilqkjqOtkUHw78FuGT5pPPKbxEjkvQ5wlXAw6+C5cZIZOAjJ9b4cUf91n3lfyqbrZKuFbYzqKqbX7iKD4nUV36zQCNaNHksQOWH39Ks7erxgRZwPE2MBqgPvdRFd5Yn9rJZeu1J8CvZxqOVfEU5dk/wtN1U3yqOpvlKghRfYTVpa76gfjr05Z+7FnhA/rtcqBnnaiw+PTV5hXj";
    const HASHED: &str = "|1|cP60aa0tH5N/IGILGhQF0ouqSfQ=|/OesffMK1z7dK3hgJ6FAAvPWvSc=";
    const HASHED_PORT: &str = "|1|ftXGjpcPidVp9H8Cf6B038PQhJM=|kMimcPc3R2MqrUUwIymN/OeMBQk=";
    const ONE_FINGERPRINT: &str = "SHA256:uUCJ3mtOkwycAuMkLC5yZhqbs97P3jkykav7bISyeHk";

    fn blob(key: &str) -> Vec<u8> {
        STANDARD.decode(key.split_once(' ').unwrap().1).unwrap()
    }

    fn check(file: &str, host: &str, port: u16, key: &str) -> Verdict {
        KnownHosts::parse(file).unwrap().check(host, port, &blob(key))
    }

    #[test]
    fn a_plain_name_with_several_entries() {
        let file =
            format!("# a comment\n\nother.org {TWO}\ngit.example.org,192.0.2.1 {RSA} comment\ngit.example.org {ONE}\n");
        assert_eq!(check(&file, "GIT.example.org", 22, ONE), Verdict::Known);
        assert_eq!(check(&file, "192.0.2.1", 22, RSA), Verdict::Known);
        assert_eq!(check(&file, "git.example.org", 22, TWO), Verdict::Changed);
        assert_eq!(check(&file, "192.0.2.1", 22, ONE), Verdict::Unknown { pinned: vec!["ssh-rsa".to_owned()] });
        assert_eq!(check(&file, "example.org", 22, ONE), Verdict::Unknown { pinned: vec![] });
    }

    #[test]
    fn the_port_is_part_of_the_name() {
        let file = format!("[git.example.org]:2222 {ONE}\nplain.org {TWO}\n");
        assert_eq!(check(&file, "git.example.org", 2222, ONE), Verdict::Known);
        assert_eq!(check(&file, "git.example.org", 22, ONE), Verdict::Unknown { pinned: vec![] });
        assert_eq!(check(&file, "plain.org", 2222, TWO), Verdict::Unknown { pinned: vec![] });
    }

    #[test]
    fn hashed_names() {
        let file = format!("{HASHED} {ONE}\n{HASHED_PORT} {TWO}\n");
        assert_eq!(check(&file, "git.example.org", 22, ONE), Verdict::Known);
        assert_eq!(check(&file, "git.example.org", 2222, TWO), Verdict::Known);
        assert_eq!(check(&file, "git.example.org", 2222, ONE), Verdict::Changed);
        assert_eq!(check(&file, "git.example.com", 22, ONE), Verdict::Unknown { pinned: vec![] });
    }

    #[test]
    fn wildcards_and_negation() {
        let file = format!("*.example.org,!bad.example.org {ONE}\nh?st {TWO}\n");
        assert_eq!(check(&file, "git.example.org", 22, ONE), Verdict::Known);
        assert_eq!(check(&file, "bad.example.org", 22, ONE), Verdict::Unknown { pinned: vec![] });
        assert_eq!(check(&file, "example.org", 22, ONE), Verdict::Unknown { pinned: vec![] });
        assert_eq!(check(&file, "host", 22, TWO), Verdict::Known);
        assert_eq!(check(&file, "hoost", 22, TWO), Verdict::Unknown { pinned: vec![] });
    }

    #[test]
    fn a_revoked_key_is_refused_even_where_it_is_also_pinned() {
        let file = format!("git.example.org {ONE}\n@revoked * {ONE}\ngit.example.org {TWO}\n@cert-authority * {RSA}\n");
        assert_eq!(check(&file, "git.example.org", 22, ONE), Verdict::Revoked);
        assert_eq!(check(&file, "git.example.org", 22, TWO), Verdict::Known);
        assert_eq!(
            check(&file, "git.example.org", 22, RSA),
            Verdict::Unknown { pinned: vec!["ssh-ed25519".to_owned()] }
        );
    }

    #[test]
    fn a_malformed_line_is_an_error_with_its_number() {
        for line in [
            "git.example.org",
            "git.example.org ssh-ed25519 %%%",
            "@revoke * ssh-ed25519 AAAA",
            "|1|x|y ssh-ed25519 AAAA",
            "|2|x|y a b",
        ] {
            let why = KnownHosts::parse(&format!("# x\n{line}\n")).unwrap_err();
            assert!(why.starts_with("line 2: "), "{line}: {why}");
        }
        let lying = format!("git.example.org ssh-rsa {}", ONE.split_once(' ').unwrap().1);
        assert!(KnownHosts::parse(&lying).unwrap_err().contains("not of the type"));
    }

    #[test]
    fn the_keys_of_one_host_are_written_with_its_plain_name() {
        let file = format!("{HASHED_PORT} {TWO}\n* {RSA}\n@revoked * {ONE}\n");
        let written = KnownHosts::parse(&file).unwrap().of_host("git.example.org", 2222);
        assert_eq!(written, format!("[git.example.org]:2222 {TWO}\n[git.example.org]:2222 {RSA}\n"));
    }

    #[test]
    fn the_fingerprint_is_what_openssh_prints() {
        let raw = STANDARD_NO_PAD.decode(&ONE_FINGERPRINT[7..]).unwrap();
        assert_eq!(fingerprint(&raw.try_into().unwrap()), ONE_FINGERPRINT);
    }
}
