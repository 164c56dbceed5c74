//! Secret values: a digest wherever data is kept, compared or shown, the plaintext only in the vault of this process.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret leaf of a spec. It carries a digest that holds within this process, so two secrets can be compared, and
/// nothing can be learnt from a plan, a log or a dump of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Secret {
    #[serde(rename = "$secret")]
    digest: String,
}

impl Secret {
    /// A leaf that no vault opens: for what stands in for AWS and has no secrets.
    pub fn unopened(name: &str) -> Self {
        Self { digest: name.to_owned() }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

/// Where the plaintexts of a process are. Cheap to clone; all clones are one vault.
///
/// Digests are keyed with random bytes of this process: a short password cannot be guessed from its digest, and
/// digests of two processes say nothing about each other.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    key: Zeroizing<[u8; 32]>,
    plain: Mutex<HashMap<String, Zeroizing<String>>>,
}

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

impl Vault {
    /// An empty vault with a fresh key.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(NoRandomness)?;
        Ok(Self(Arc::new(Inner { key, plain: Mutex::default() })))
    }

    /// Takes a plaintext in and gives the leaf that stands for it.
    pub fn seal(&self, plain: &str) -> Secret {
        let digest = match Hmac::<Sha256>::new_from_slice(self.0.key.as_slice()) {
            Ok(mut mac) => {
                mac.update(plain.as_bytes());
                hex::encode(mac.finalize().into_bytes())
            }
            // HMAC takes keys of any length; an empty digest would be equal to nothing sealed here.
            Err(_) => String::new(),
        };
        let mut known = self.0.plain.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(digest.clone()).or_insert_with(|| Zeroizing::new(plain.to_owned()));
        Secret { digest }
    }

    /// The plaintext of a leaf that this vault sealed. For the call that sends it, nothing else.
    pub fn open(&self, secret: &Secret) -> Option<Zeroizing<String>> {
        self.0.plain.lock().unwrap_or_else(PoisonError::into_inner).get(&secret.digest).cloned()
    }

    /// A new secret of `bytes` random bytes in hex digits.
    pub fn generate(&self, bytes: usize) -> Result<Secret, NoRandomness> {
        let mut random = Zeroizing::new(vec![0; bytes]);
        getrandom::fill(&mut random).map_err(NoRandomness)?;
        Ok(self.seal(&Zeroizing::new(hex::encode(random.as_slice()))))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_plaintexts_are_equal_leaves_and_no_output_shows_them() {
        let vault = Vault::new().unwrap();
        let secret = vault.seal("canary-5f2a");
        assert_eq!(secret, vault.seal("canary-5f2a"));
        assert_ne!(secret, vault.seal("canary-5f2b"));
        assert_eq!(vault.open(&secret).unwrap().as_str(), "canary-5f2a");
        let shown = format!("{secret:?} {vault:?} {}", serde_json::to_string(&secret).unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn digests_of_two_vaults_differ() {
        assert_ne!(Vault::new().unwrap().seal("x"), Vault::new().unwrap().seal("x"));
    }
}
