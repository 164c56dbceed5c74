//! Secrets on their way into a request: the plaintext of a header's value, and AWS's words about a request without it.

use agent_core::fault::{Class, Fault};
use agent_core::reference::SecretRef;
use agent_core::secret::Vault;

/// The plaintext of a header's value. One with a wildcard would let in more than itself where it is a condition, an empty
/// one whoever sends none.
pub(crate) fn opened(call: &'static str, name: &str, value: &SecretRef, vault: &Vault) -> Result<String, Fault> {
    let refused = |code: &str, text: &str| {
        Fault::new(Class::Invalid, call, code, format!("the value of the header `{name}` {text}"))
    };
    let SecretRef::Sealed(secret) = value else {
        return Err(refused("OpenReference", "is a reference that is not resolved"));
    };
    let plain = vault
        .open(secret)
        .ok_or_else(|| refused("NoSecret", "is no secret: it has to be the `value` of a `SecureString`"))?;
    if plain.is_empty() || plain.contains(['*', '?']) {
        return Err(refused("BadValue", "is empty or holds a wildcard (`*`, `?`)"));
    }
    Ok(plain.to_string())
}

/// Takes the secrets of a request out of what AWS says about it.
pub(crate) fn silenced(secrets: Vec<String>) -> impl Fn(Fault) -> Fault {
    move |fault| {
        let message = secrets.iter().fold(fault.message, |text, secret| text.replace(secret, "(secret)"));
        Fault { message, ..fault }
    }
}
