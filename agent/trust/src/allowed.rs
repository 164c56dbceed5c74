//! The file of those who may sign with keys of SSH, in OpenSSH's format: ALLOWED SIGNERS in ssh-keygen(1). As in Git, a key is
//! what is trusted; the principals of its line are its name.
//!
//! `cert-authority` is refused when the file is read, rather than ignored: it would trust keys that the file does not name.

use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

use crate::{FILE_BYTES, KEYS, Mistake};

/// Bits of an RSA key, at least and at most: fewer can be broken, and more the library does not take.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The keys of the file.
#[derive(Debug, Default)]
pub struct AllowedSigners {
    lines: Vec<Signer>,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Signer {
    pub key: PublicKey,
    pub principals: String,
    pub options: Options,
}

/// What a line says about its key.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// What it may sign for, as the file says it; everything where it says nothing.
    pub namespaces: Option<String>,
    /// Seconds since 1970.
    pub valid_after: Option<i64>,
    /// Seconds since 1970.
    pub valid_before: Option<i64>,
}

impl AllowedSigners {
    /// Reads the file, or says all that is wrong with it. Times without a `Z` are of this host's time zone, as for OpenSSH.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Mistake>> {
        if bytes.len() > FILE_BYTES {
            return Err(vec![Mistake::of_file(format!("it is larger than {FILE_BYTES} bytes"))]);
        }
        let (mut lines, mut mistakes) = (Vec::new(), Vec::new());
        for (n, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let read = std::str::from_utf8(line).map_err(|_| Mistake::at(n + 1, "it is not text in UTF-8"));
            match read.and_then(|line| signer(n + 1, line.trim_matches([' ', '\t', '\r']))) {
                Ok(Some(_)) if lines.len() == KEYS => {
                    mistakes.push(Mistake::at(n + 1, format!("there are more than {KEYS} keys")));
                    break;
                }
                Ok(signer) => lines.extend(signer),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if lines.is_empty() && mistakes.is_empty() {
            mistakes
                .push(Mistake::of_file("it names no key").hint("a line is `somebody@example.org ssh-ed25519 AAAA…`"));
        }
        if mistakes.is_empty() { Ok(Self { lines }) } else { Err(mistakes) }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none; a file that was read has some.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn of_key<'a>(&'a self, key: &'a KeyData) -> impl Iterator<Item = &'a Signer> {
        self.lines.iter().filter(move |line| line.key.key_data() == key)
    }
}

impl Options {
    pub fn may_sign_for(&self, namespace: &str) -> bool {
        self.namespaces.as_deref().is_none_or(|list| matches_list(namespace, list))
    }
}

/// `SHA256:…`, as `ssh-keygen -l` shows it.
pub(crate) fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn signer(n: usize, line: &str) -> Result<Option<Signer>, Mistake> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let wrong = |message: &str| Mistake::at(n, message);
    let (principals, rest) = first_word(line).ok_or_else(|| {
        wrong("it has a principal and nothing else").hint("a line is `somebody@example.org ssh-ed25519 AAAA…`")
    })?;
    if principals.split(',').any(str::is_empty) {
        return Err(wrong("a principal is empty"));
    }
    let mut options = Options::default();
    let is_key = |text: &str| KEY_TYPES.iter().any(|kind| text.split([' ', '\t']).next() == Some(kind));
    let key = if is_key(rest) {
        rest
    } else {
        let (words, key) = split_options(rest).ok_or_else(|| wrong("a quotation is not closed"))?;
        if !is_key(key) {
            return Err(no_key(n, words, key));
        }
        for option in list(words) {
            options.take(n, option)?;
        }
        key
    };
    if let (Some(after), Some(before)) = (options.valid_after, options.valid_before)
        && before <= after
    {
        return Err(wrong("`valid-before` does not come after `valid-after`"));
    }
    Ok(Some(Signer { key: public_key(n, key)?, principals: crate::printable(&principals), options }))
}

const KEY_TYPES: [&str; 8] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
];

fn no_key(n: usize, options: &str, key: &str) -> Mistake {
    if options.eq_ignore_ascii_case("cert-authority") || options.to_ascii_lowercase().contains("cert-authority") {
        return authority(n);
    }
    let word = key.split([' ', '\t']).next().unwrap_or_default();
    let shown = crate::printable(if word.is_empty() { options } else { word });
    Mistake::at(n, format!("`{shown}` is no type of key"))
        .hint("after the principal come options, if any, then the type and the key")
}

fn authority(n: usize) -> Mistake {
    Mistake::at(n, "`cert-authority` is not supported").hint("give each key that may sign a line of its own")
}

fn public_key(n: usize, text: &str) -> Result<PublicKey, Mistake> {
    if text.starts_with("ssh-dss") {
        return Err(Mistake::at(n, "keys of DSA are too weak").hint("use a key of Ed25519"));
    }
    let key =
        PublicKey::from_openssh(text).map_err(|error| Mistake::at(n, format!("the key cannot be read: {error}")))?;
    match bits_of_rsa(key.key_data()) {
        Some(bits) if !RSA_BITS.contains(&bits) => {
            let message =
                format!("an RSA key has {} to {} bits, and this one has {bits}", RSA_BITS.start(), RSA_BITS.end());
            Err(Mistake::at(n, message).hint("use a key of Ed25519"))
        }
        _ => Ok(key),
    }
}

fn bits_of_rsa(key: &KeyData) -> Option<usize> {
    let modulus = key.rsa()?.n.as_positive_bytes().unwrap_or_default();
    let first = modulus.first().copied().unwrap_or_default();
    Some((modulus.len() * 8).saturating_sub(first.leading_zeros() as usize))
}

impl Options {
    fn take(&mut self, n: usize, option: &str) -> Result<(), Mistake> {
        let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let name = name.to_ascii_lowercase();
        let wrong = |message: String| Mistake::at(n, message);
        let value = |what: &str| {
            let quoted = value.and_then(|value| value.strip_prefix('"')?.strip_suffix('"'));
            quoted
                .map(|text| text.replace("\\\"", "\""))
                .ok_or_else(|| wrong(format!("`{what}` needs a value in quotes")))
        };
        let twice = || wrong(format!("`{name}` is there twice"));
        match name.as_str() {
            "cert-authority" => Err(authority(n)),
            "namespaces" => match self.namespaces.replace(value("namespaces")?) {
                Some(_) => Err(twice()),
                None => Ok(()),
            },
            "valid-after" | "valid-before" => {
                let text = value(&name)?;
                let time = time_of(&text).ok_or_else(|| {
                    wrong(format!("`{}` is no time for `{name}`", crate::printable(&text)))
                        .hint("write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a `Z` behind it for UTC")
                })?;
                let place = if name == "valid-after" { &mut self.valid_after } else { &mut self.valid_before };
                if place.replace(time).is_some() { Err(twice()) } else { Ok(()) }
            }
            other => Err(wrong(format!("`{}` is no option", crate::printable(other)))
                .hint("options are `namespaces=`, `valid-after=` and `valid-before=`")),
        }
    }
}

/// The first word, which may be in quotes, and what follows it.
fn first_word(line: &str) -> Option<(String, &str)> {
    let (word, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => line.split_at(line.find([' ', '\t'])?),
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    (!rest.is_empty()).then(|| (word.to_owned(), rest))
}

/// Up to the first blank outside of quotes, and what follows it.
fn split_options(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return Some((&text[..at], text[at..].trim_start_matches([' ', '\t']))),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    (!quoted).then_some((text, ""))
}

/// What is between commas outside of quotes.
fn list(options: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut begin, mut all) = (false, false, 0, Vec::new());
    for (at, c) in options.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                all.push(&options[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    all.push(&options[begin..]);
    all
}

/// `YYYYMMDD[HHMM[SS]][Z]` as seconds since 1970.
fn time_of(text: &str) -> Option<i64> {
    let (digits, is_utc) = match text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix("UTC")) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part =
        |from: usize, length: usize| digits.get(from..from + length).map_or(Some(0), |part| part.parse::<i8>().ok());
    let year = digits[..4].parse().ok()?;
    let time =
        jiff::civil::DateTime::new(year, part(4, 2)?, part(6, 2)?, part(8, 2)?, part(10, 2)?, part(12, 2)?, 0).ok()?;
    let zone = if is_utc { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    Some(zone.to_timestamp(time).ok()?.as_second())
}

/// OpenSSH's lists of patterns: `*` and `?`, and `!` before what must not match. See PATTERNS in `ssh_config(5)`.
fn matches_list(text: &str, list: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(text.as_bytes(), pattern.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(text.as_bytes(), pattern.as_bytes()),
        }
    }
    found
}

/// Without recursion: a pattern of many stars would take for ever.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => match &mut star {
                Some((at, from)) => {
                    *from += 1;
                    (p, t) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn one(line: &str) -> Signer {
        let mut file = AllowedSigners::parse(line.as_bytes()).unwrap();
        assert_eq!(file.lines.len(), 1);
        file.lines.remove(0)
    }

    fn wrong(text: &str) -> Vec<String> {
        AllowedSigners::parse(text.as_bytes()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_as_openssh_takes_them() {
        assert_eq!(one(&format!("a@x,*@y {KEY}")).principals, "a@x,*@y");
        assert_eq!(one(&format!("\t \"a b@x\"  {KEY} a comment\r\n# another\n\n")).principals, "a b@x");
        let signer = one(&format!(
            "a@x namespaces=\"git,file\",Valid-After=\"20240102Z\",valid-before=\"20250102030405Z\" {KEY}"
        ));
        assert_eq!(signer.options.namespaces.as_deref(), Some("git,file"));
        assert_eq!(
            (signer.options.valid_after, signer.options.valid_before),
            (Some(1_704_153_600), Some(1_735_787_045))
        );
        assert_eq!(one(&format!("a namespaces=\"x y\\\"z\" {KEY}")).options.namespaces.as_deref(), Some("x y\"z"));
        assert!(one(&format!("a@x {KEY}")).options.may_sign_for("git"));
        assert_eq!(one(&format!("a valid-after=\"202401020304Z\" {KEY}")).options.valid_after, Some(1_704_164_640));
    }

    #[test]
    fn namespaces_are_patterns() {
        for (list, matches) in
            [("git", true), ("file,git", true), ("g*", true), ("???", true), ("*,!git", false), ("!git,*", false)]
        {
            assert_eq!(matches_list("git", list), matches, "{list}");
        }
        for (list, matches) in [
            ("file", false),
            ("Git", false),
            ("g", false),
            ("gitt", false),
            ("", false),
            ("!file", false),
            ("**t", true),
        ] {
            assert_eq!(matches_list("git", list), matches, "{list}");
        }
        let slow_with_recursion = format!("{}b", "*a".repeat(200));
        assert!(!matches(&[b'a'; 5000], slow_with_recursion.as_bytes()));
    }

    #[test]
    fn every_broken_line_is_named() {
        let text = format!(
            "# fine\nnobody\na@x ssh-ed25519 AAAA\na,,b {KEY}\na cert-authority {KEY}\na namespaces=git {KEY}\n\
             a namespaces=\"git {KEY}\na valid-after=\"2024\" {KEY}\na valid-after=\"20240231Z\" {KEY}\na no-touch {KEY}\n\
             a valid-after=\"20250101Z\",valid-before=\"20250101Z\" {KEY}\na ssh-foo AAAA\na ssh-dss AAAA\n\
             a namespaces=\"a\",namespaces=\"b\" {KEY}\na@x {KEY}\n"
        );
        let told = wrong(&text);
        let wanted = [
            "line 2: it has a principal and nothing else",
            "line 3: the key cannot be read",
            "line 4: a principal is empty",
            "line 5: `cert-authority` is not supported",
            "line 6: `namespaces` needs a value in quotes",
            "line 7: a quotation is not closed",
            "line 8: `2024` is no time for `valid-after`",
            "line 9: `20240231Z` is no time for `valid-after`",
            "line 10: `no-touch` is no option",
            "line 11: `valid-before` does not come after `valid-after`",
            "line 12: `AAAA` is no type of key",
            "line 13: keys of DSA are too weak",
            "line 14: `namespaces` is there twice",
        ];
        assert_eq!(told.len(), wanted.len(), "{told:#?}");
        for (told, wanted) in told.iter().zip(wanted) {
            assert!(told.starts_with(wanted), "{told}\n{wanted}");
        }
    }

    #[test]
    fn a_file_without_keys_or_with_too_many_is_a_mistake() {
        assert_eq!(wrong("# nothing\n\n"), ["it names no key"]);
        assert_eq!(wrong(""), ["it names no key"]);
        let many = format!("a {KEY}\n").repeat(KEYS + 1);
        assert_eq!(wrong(&many), [format!("line {}: there are more than {KEYS} keys", KEYS + 1)]);
        assert_eq!(wrong(&"#".repeat(FILE_BYTES + 1)), [format!("it is larger than {FILE_BYTES} bytes")]);
        assert_eq!(
            AllowedSigners::parse(b"a \xff\xfe\n").unwrap_err()[0].to_string(),
            "line 1: it is not text in UTF-8"
        );
    }
}
