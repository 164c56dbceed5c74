//! Tokens and secrets: read from their files each time, so that they may be replaced, and shown to nobody but whom they are for.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How a secret of the Standard Webhooks specification begins when it is written down.
const PREFIX: &str = "whsec_";
/// How many secrets sign at once.
const MOST: usize = 8;

/// Why there is no token or no secret. What is in the file is not told.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is nothing in it that could be a token.
    #[error("there is no token in `{}`", .path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// There is nothing in it that could be a secret.
    #[error("there is no secret in `{}`, line {line}", .path.display())]
    NoSecret {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
}

impl NoKey {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "correct the path, or name the credential in the unit (`LoadCredential=`)",
            Self::NoToken { .. } => "the file holds the token on one line, and nothing else",
            Self::NoSecret { .. } => "`echo \"whsec_$(openssl rand -base64 32)\"` makes one",
        }
    }
}

fn read(path: &Path) -> Result<String, NoKey> {
    std::fs::read_to_string(path).map_err(|source| NoKey::Unreadable { path: path.to_owned(), source })
}

/// The token in a file.
pub fn token(path: &Path) -> Result<String, NoKey> {
    let text = read(path)?;
    let token = text.trim();
    // What a header cannot hold is no token.
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| token.to_owned()).ok_or_else(|| NoKey::NoToken { path: path.to_owned() })
}

/// A secret that signs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The secrets in a file, one on each line: while one is replaced, both sign.
pub fn secrets(path: &Path) -> Result<Vec<Secret>, NoKey> {
    let text = read(path)?;
    let none = |line: usize| NoKey::NoSecret { path: path.to_owned(), line };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let secret = |(n, line): (usize, &str)| {
        let bytes = line.trim().strip_prefix(PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
        bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(Secret).ok_or_else(|| none(n + 1))
    };
    let secrets = lines.map(secret).collect::<Result<Vec<_>, _>>()?;
    if (1..=MOST).contains(&secrets.len()) { Ok(secrets) } else { Err(none(1)) }
}

/// The header `webhook-signature` of the Standard Webhooks specification: each secret's over the id, the time and the body.
pub fn signatures(secrets: &[Secret], id: &str, time: i64, body: &str) -> String {
    let sign = |secret: &Secret| {
        // A key of any length does.
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).unwrap_or_else(|_| unreachable!("of any length"));
        mac.update(format!("{id}.{time}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_example_of_the_libraries_is_signed_as_they_do() {
        // The vector of the reference libraries of Standard Webhooks.
        let file = file("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        let secrets = secrets(file.path()).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}");
        let signed = signatures(&secrets, id, 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_line_signs_and_what_is_no_secret_is_told_by_its_line() {
        let two = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\nwhsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
        let both = secrets(file(two).path()).unwrap();
        assert_eq!(signatures(&both, "a", 1, "b").split(' ').count(), 2);
        for (text, line) in [
            ("", 1),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 1),
            ("whsec_short\n", 1),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_AAAA\n", 2),
        ] {
            let error = secrets(file(text).path()).err().unwrap();
            assert!(matches!(error, NoKey::NoSecret { line: at, .. } if at == line), "{text}: {error}");
            assert!(!error.to_string().contains("MfKQ"), "{error}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(token(file(" ghp_abc\n").path()).unwrap(), "ghp_abc");
        for text in ["", " \n", "two words\n", "line\nline\n", "gh\u{e4}"] {
            assert!(matches!(token(file(text).path()), Err(NoKey::NoToken { .. })), "{text}");
        }
        assert!(matches!(token(Path::new("/no/such/file")), Err(NoKey::Unreadable { .. })));
    }
}
