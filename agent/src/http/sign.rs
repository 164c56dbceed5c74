//! Whether a call comes from whoever has the secret, and whether it was seen before. All comparisons take the same time
//! whatever they compare.

use std::collections::{BTreeSet, VecDeque};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How far the clock of a generic sender may be from ours, in seconds.
const CLOCKS: u64 = 300;
/// How many calls are remembered.
const REMEMBERED: usize = 4096;

/// A secret that a sender shares with the agent.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// A code over a message.
pub type Code = [u8; 32];

impl Secret {
    /// The secret in a file's bytes, without white space at its end; `None` if it is too short to be one.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii_end();
        (bytes.len() >= 16).then(|| Self(bytes.to_vec()))
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        // A key of any length does.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| unreachable!("of any length"));
        for part in parts {
            mac.update(part);
        }
        mac
    }

    /// Whether a header (`sha256=` and 64 hex digits) signs these parts, one after the other. The code, if it does.
    pub fn signs(&self, header: &[u8], parts: &[&[u8]]) -> Option<Code> {
        let code = code_of(header)?;
        self.mac(parts).verify_slice(&code).ok().map(|()| code)
    }

    /// Whether a text is the secret itself.
    pub fn is(&self, text: &[u8]) -> bool {
        // Codes are compared, and not texts: those say by their lengths how far one is right.
        let own: Code = self.mac(&[&self.0]).finalize().into_bytes().into();
        self.mac(&[text]).verify_slice(&own).is_ok()
    }
}

/// The code in a header, if it has the form of one.
pub fn code_of(header: &[u8]) -> Option<Code> {
    let mut code = Code::default();
    hex::decode_to_slice(header.strip_prefix(b"sha256=")?, &mut code).ok()?;
    Some(code)
}

/// Whether a time that a sender gives is about now; both in seconds since 1970.
pub fn is_now(given: u64, now: u64) -> bool {
    given.abs_diff(now) <= CLOCKS
}

/// Calls that were seen, the last few thousand: each made by somebody with the secret.
#[derive(Default)]
pub struct Seen {
    known: BTreeSet<Vec<u8>>,
    order: VecDeque<Vec<u8>>,
}

impl Seen {
    /// Whether one of these names of a call is known; all are from now on.
    pub fn knows(&mut self, names: &[&[u8]]) -> bool {
        let mut known = false;
        for name in names {
            let name: Vec<u8> = name.iter().copied().take(64).collect();
            if !self.known.insert(name.clone()) {
                known = true;
                continue;
            }
            self.order.push_back(name);
            if self.order.len() > REMEMBERED
                && let Some(first) = self.order.pop_front()
            {
                self.known.remove(&first);
            }
        }
        known
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_github_is_right_and_a_bit_less_is_wrong() {
        // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
        let secret = Secret::new(b"It's a Secret to Everybody\n").unwrap();
        let header = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(secret.signs(header, &[b"Hello, World!"]).is_some());
        assert!(secret.signs(header, &[b"Hello, ", b"World!"]).is_some());
        assert!(secret.signs(header, &[b"Hello, World"]).is_none());
        let other = Secret::new(b"It's a secret to everybody").unwrap();
        assert!(other.signs(header, &[b"Hello, World!"]).is_none());
        let forms: [&[u8]; 5] = [b"", b"sha256=", b"sha256=75", &header[7..], b"sha1=757107ea0eb2509fc211221cce984b8a"];
        assert!(forms.iter().all(|form| secret.signs(form, &[b"Hello, World!"]).is_none()));
    }

    #[test]
    fn a_token_is_the_secret_or_is_not() {
        let secret = Secret::new(b"0123456789abcdef\n").unwrap();
        assert!(secret.is(b"0123456789abcdef"));
        for wrong in [&b"0123456789abcdeF"[..], b"", b"0123456789abcde", b"0123456789abcdef0"] {
            assert!(!secret.is(wrong));
        }
        assert!(Secret::new(b"short\n").is_none() && Secret::new(b"                   ").is_none());
    }

    #[test]
    fn what_was_seen_is_known_and_what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        assert!(!seen.knows(&[b"one", b"two"]));
        assert!(seen.knows(&[b"three", b"two"]) && seen.knows(&[b"three"]));
        for n in 0..2 * REMEMBERED {
            assert!(!seen.knows(&[format!("{n}").as_bytes()]));
        }
        assert_eq!((seen.known.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!seen.knows(&[b"one"]), "forgotten, for room");
    }

    #[test]
    fn five_minutes_are_now() {
        assert!(is_now(1000, 1300) && is_now(1300, 1000) && !is_now(1000, 1301) && !is_now(0, 1000));
    }
}
