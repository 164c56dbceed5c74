//! The public keys of OpenPGP whose signatures count: what `gpg --export` writes, with or without `--armor`, any number of keys in
//! one file. When the file is read, each key's statements about itself are checked once (RFC 9580, 10.1 and 5.2.1), and only those
//! that hold are kept; a statement that somebody else made about a key says nothing here.
//!
//! Whether a key may sign is decided at the time of each signature: [`Candidate::standing`]. As in `gpg`, the newest statement of a
//! key about itself counts. A revocation that says no reason, or that the key was compromised, is for all times, for whoever
//! has the key can date a signature back; of a key that was retired or replaced, what it signed before still counts.

use pgp::armor::Dearmor;
use pgp::composed::{SignedPublicKey, SignedPublicKeyParser, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, Packet, PacketParser, PacketTrait as _, PublicKey, PublicSubkey, RevocationCode, Signature,
    SignatureType, SignatureVersion, SubpacketType,
};
use pgp::ser::Serialize as _;
use pgp::types::{Fingerprint, KeyDetails as _, PublicParams, Tag};

use crate::refusal::{Refusal, time};
use crate::{FILE_BYTES, KEYS, Mistake, Signed};

const BEGIN: &str = "-----BEGIN PGP ";
const END: &str = "-----END PGP ";

/// The keys of the file.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

/// A key with its subkeys.
#[derive(Debug)]
pub(crate) struct Key {
    primary: PublicKey,
    /// The user ID that it says is the first, else the first one.
    name: String,
    /// What it says of itself, good signatures alone.
    own: Vec<Signature>,
    revocations: Vec<Signature>,
    subkeys: Vec<Subkey>,
}

#[derive(Debug)]
struct Subkey {
    key: PublicSubkey,
    bindings: Vec<Signature>,
    revocations: Vec<Signature>,
}

/// A key, or a subkey of one.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub key: &'a Key,
    /// `None`: the primary key itself.
    subkey: Option<&'a Subkey>,
}

impl Keyring {
    /// Reads the file, or says all that is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Mistake>> {
        if bytes.len() > FILE_BYTES {
            return Err(vec![Mistake::of_file(format!("it is larger than {FILE_BYTES} bytes"))]);
        }
        let is_binary = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let blocks = if is_binary { vec![Block { line: None, bytes: bytes.to_vec() }] } else { blocks(bytes)? };
        let (mut keys, mut mistakes) = (Vec::new(), Vec::new());
        for Block { line, bytes } in blocks {
            match keys_of(&bytes) {
                Ok(found) => keys.extend(found),
                Err(mistake) => mistakes.push(Mistake { line, ..mistake }),
            }
        }
        if keys.len() > KEYS {
            mistakes.push(Mistake::of_file(format!("there are more than {KEYS} keys")));
        }
        if keys.is_empty() && mistakes.is_empty() {
            mistakes.push(Mistake::of_file("it holds no key").hint(EXPORT));
        }
        if mistakes.is_empty() { Ok(Self { keys }) } else { Err(mistakes) }
    }

    /// How many keys there are, without their subkeys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none; a file that was read has some.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys and subkeys that a signature says it was made with.
    pub(crate) fn named_by<'a>(&'a self, signature: &'a Signature) -> impl Iterator<Item = Candidate<'a>> {
        let (prints, ids) = (signature.issuer_fingerprint(), signature.issuer_key_id());
        let all = self.keys.iter().flat_map(|key| {
            let subkeys = key.subkeys.iter().map(move |subkey| Candidate { key, subkey: Some(subkey) });
            std::iter::once(Candidate { key, subkey: None }).chain(subkeys)
        });
        all.filter(move |candidate| {
            let (print, id) = candidate.identity();
            // A fingerprint says more than the short id, which others can have as well.
            if prints.is_empty() { ids.iter().any(|of| **of == id) } else { prints.iter().any(|of| **of == print) }
        })
    }
}

const EXPORT: &str = "export public keys with `gpg --export --armor KEY …`";

/// Packets, and the line where they begin.
struct Block {
    line: Option<usize>,
    bytes: Vec<u8>,
}

/// The armored blocks of a file, each with its line; what is between them is comment, as for `gpg`.
fn blocks(bytes: &[u8]) -> Result<Vec<Block>, Vec<Mistake>> {
    let text = String::from_utf8_lossy(bytes);
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    let mut open: Option<(usize, String)> = None;
    for (n, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim_end())) {
        if let Some(kind) = line.strip_prefix(BEGIN) {
            if kind != "PUBLIC KEY BLOCK-----" {
                let what = crate::printable(kind.trim_end_matches('-'));
                mistakes
                    .push(Mistake::at(n, format!("a block of the kind `PGP {what}` is no public key")).hint(EXPORT));
            }
            if let Some((begun, _)) = open.replace((n, String::new())) {
                mistakes.push(Mistake::at(begun, "the block does not end"));
            }
        }
        if let Some((_, block)) = &mut open {
            block.push_str(line);
            block.push('\n');
        }
        if line.starts_with(END)
            && let Some((begun, block)) = open.take()
        {
            found.push((begun, block));
        }
    }
    if let Some((begun, _)) = open {
        mistakes.push(Mistake::at(begun, "the block does not end"));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let (mut dearmored, mut mistakes) = (Vec::new(), Vec::new());
    for (line, block) in found {
        let mut bytes = Vec::new();
        match std::io::Read::read_to_end(&mut Dearmor::new(block.as_bytes()), &mut bytes) {
            Ok(_) => dearmored.push(Block { line: Some(line), bytes }),
            Err(error) => mistakes.push(Mistake::at(line, format!("the block cannot be read: {error}"))),
        }
    }
    if mistakes.is_empty() { Ok(dearmored) } else { Err(mistakes) }
}

/// The packets, none of which may be broken: one that is left out could be a revocation.
pub(crate) fn packets(bytes: &[u8]) -> Result<Vec<Packet>, String> {
    let mut packets = Vec::new();
    for packet in PacketParser::new(bytes) {
        packets.push(
            packet
                .map_err(|error| format!("packet {}: {}", packets.len() + 1, crate::printable(&error.to_string())))?,
        );
    }
    Ok(packets)
}

fn keys_of(block: &[u8]) -> Result<Vec<Key>, Mistake> {
    let packets =
        packets(block).map_err(|why| Mistake::of_file(format!("a key cannot be read: {why}")).hint(EXPORT))?;
    if packets.iter().any(|packet| matches!(packet.tag(), Tag::SecretKey | Tag::SecretSubkey)) {
        let hint = "the agent needs public keys alone; take the secret one away from this host";
        return Err(Mistake::of_file("it holds a secret key").hint(hint));
    }
    let is_key = |tag: Tag| {
        matches!(tag, Tag::PublicKey | Tag::PublicSubkey | Tag::Signature | Tag::UserId | Tag::UserAttribute)
    };
    if let Some(other) = packets.iter().find(|packet| !is_key(packet.tag()) && packet.tag() != Tag::Trust) {
        return Err(Mistake::of_file(format!("it holds a packet of the kind {:?}", other.tag())).hint(EXPORT));
    }
    let packets = packets.into_iter().filter(|packet| packet.tag() != Tag::Trust).map(Ok).peekable();
    let keys = SignedPublicKeyParser::from_packets(packets).collect::<Result<Vec<_>, _>>();
    let keys = keys.map_err(|error| Mistake::of_file(format!("a key cannot be read: {error}")).hint(EXPORT))?;
    Ok(keys.into_iter().map(Key::new).collect())
}

/// What a signature is too weak for: SHA-1 and what is older can be made to fit two texts.
pub(crate) fn weak_digest(signature: &Signature) -> Option<String> {
    match signature.hash_alg() {
        Some(
            HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha224
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512,
        ) => None,
        Some(other) => Some(format!("the digest {other}")),
        None => Some(format!("a signature of version {:?}", signature.version())),
    }
}

fn made_at(signature: &Signature) -> i64 {
    signature.created().map_or(0, |time| i64::from(time.as_secs()))
}

/// The newest of them that says something.
fn newest<T>(signatures: &[Signature], says: impl Fn(&Signature) -> Option<T>) -> Option<T> {
    let mut saying: Vec<(i64, T)> = signatures.iter().filter_map(|one| Some((made_at(one), says(one)?))).collect();
    saying.sort_by_key(|(at, _)| *at);
    saying.pop().map(|(_, said)| said)
}

/// What a key says that it, or a subkey, is for, if it says so there.
fn stated_flags(said: &Signature) -> Option<KeyFlags> {
    says(said, SubpacketType::KeyFlags).then(|| said.key_flags())
}

/// For how many seconds a key says that it, or a subkey, lasts: 0, for ever, where a user ID or a binding leaves that out. A
/// statement about the key alone (`gpg` makes one to name who may revoke it) may be about something else, and of a key of
/// version 6 one with a user ID is about that.
fn stated_expiration(said: &Signature) -> Option<i64> {
    let is_about_else = match said.typ() {
        Some(SignatureType::Key) => true,
        Some(SignatureType::SubkeyBinding) => false,
        _ => said.version() == SignatureVersion::V6,
    };
    let lasts = || said.key_expiration_time().map_or(0, |time| i64::from(time.as_secs()));
    (!is_about_else || says(said, SubpacketType::KeyExpirationTime)).then(lasts)
}

fn says(said: &Signature, what: SubpacketType) -> bool {
    said.config().is_some_and(|config| config.hashed_subpackets().any(|packet| packet.typ() == what))
}

impl Key {
    fn new(key: SignedPublicKey) -> Self {
        let SignedPublicKey { primary_key: primary, details, public_subkeys } = key;
        let is_strong = |signature: &&Signature| weak_digest(signature).is_none();
        let mut own: Vec<Signature> = details
            .direct_signatures
            .iter()
            .filter(|one| one.typ() == Some(SignatureType::Key) && one.verify_key(&primary).is_ok())
            .filter(is_strong)
            .cloned()
            .collect();
        // Whom it lets revoke it may do so in any key ring; theirs are not checked, since their keys need not be here.
        let revokers: Vec<Vec<u8>> =
            own.iter().filter_map(|one| one.revocation_key().map(|revoker| revoker.fingerprint.to_vec())).collect();
        let by_revoker = |one: &Signature| {
            let names = |print: &&Fingerprint| revokers.iter().any(|revoker| revoker == print.as_bytes());
            let ids = |id: &&pgp::types::KeyId| revokers.iter().any(|revoker| revoker.ends_with(id.as_ref()));
            one.issuer_fingerprint().iter().any(names) || one.issuer_key_id().iter().any(ids)
        };
        let revocations = details.revocation_signatures.iter();
        let revocations =
            revocations.filter(|one| by_revoker(one) || one.verify_key(&primary).is_ok()).cloned().collect();
        let (mut first, mut main) = (None, None);
        for user in &details.users {
            let good =
                user.signatures.iter().filter(|one| one.verify_certification(&primary, Tag::UserId, &user.id).is_ok());
            let (revoked, said): (Vec<&Signature>, Vec<&Signature>) =
                good.partition(|one| one.typ() == Some(SignatureType::CertRevocation));
            let said: Vec<Signature> = said.into_iter().filter(is_strong).cloned().collect();
            let last = said.iter().map(made_at).max();
            if last.is_none() || revoked.into_iter().map(made_at).max() >= last {
                continue;
            }
            let name = crate::printable(&String::from_utf8_lossy(user.id.id()));
            if newest(&said, |one| Some(one.is_primary())) == Some(true) {
                main.get_or_insert_with(|| name.clone());
            }
            first.get_or_insert(name);
            own.extend(said);
        }
        let subkeys = public_subkeys.into_iter().map(|subkey| Subkey::new(subkey, &primary)).collect();
        let name = main.or(first).unwrap_or_else(|| "no user ID".to_owned());
        Self { primary, name, own, revocations, subkeys }
    }
}

impl Subkey {
    fn new(subkey: SignedPublicSubKey, primary: &PublicKey) -> Self {
        let SignedPublicSubKey { key, signatures } = subkey;
        let good = signatures.into_iter().filter(|one| one.verify_subkey_binding(primary, &key).is_ok());
        let (bindings, revocations): (Vec<Signature>, Vec<Signature>) =
            good.partition(|one| one.typ() == Some(SignatureType::SubkeyBinding));
        // A subkey for signing agrees to belong to this key: else somebody could take another's as his own.
        let agrees = |one: &Signature| {
            let back = one.embedded_signature();
            back.is_some_and(|back| {
                weak_digest(back).is_none() && back.verify_primary_key_binding(&key, primary).is_ok()
            })
        };
        let is_sound = |one: &Signature| weak_digest(one).is_none() && (!one.key_flags().sign() || agrees(one));
        let bindings = bindings.into_iter().filter(is_sound).collect();
        Self { key, bindings, revocations }
    }
}

impl Candidate<'_> {
    fn identity(&self) -> (Fingerprint, pgp::types::KeyId) {
        match self.subkey {
            Some(subkey) => (subkey.key.fingerprint(), subkey.key.legacy_key_id()),
            None => (self.key.primary.fingerprint(), self.key.primary.legacy_key_id()),
        }
    }

    /// As `gpg` shows it.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.identity().0)
    }

    /// Whether this key has made the signature over this text.
    pub fn has_made(&self, signature: &Signature, text: &[u8]) -> bool {
        match self.subkey {
            Some(subkey) => signature.verify(&subkey.key, text).is_ok(),
            None => signature.verify(&self.key.primary, text).is_ok(),
        }
    }

    /// Whether it may have signed at that time, in seconds since 1970.
    pub fn standing(&self, at: i64) -> Result<Signed, Refusal> {
        let fingerprint = self.fingerprint();
        let weak = |what| Refusal::Weak { fingerprint: fingerprint.clone(), what };
        let not_for_signing =
            |why: &str| Refusal::NotForSigning { fingerprint: fingerprint.clone(), why: why.to_owned() };
        let Key { primary, name, own, revocations, .. } = self.key;
        let about = Period { fingerprint: &fingerprint, at };
        about.not_revoked(revocations)?;
        if let Some(what) = weak_key(primary.public_params()) {
            return Err(weak(what));
        }
        if own.is_empty() {
            return Err(not_for_signing(
                "nothing that it says of itself holds: it has no user ID, or these are signed with SHA-1",
            ));
        }
        about.within(i64::from(primary.created_at().as_secs()), own)?;
        let may_sign = match self.subkey {
            None => newest(own, stated_flags).is_some_and(|flags| flags.sign()),
            Some(Subkey { key, bindings, revocations }) => {
                about.not_revoked(revocations)?;
                if let Some(what) = weak_key(key.public_params()) {
                    return Err(weak(what));
                }
                if bindings.is_empty() {
                    return Err(not_for_signing("the binding of the subkey does not hold"));
                }
                about.within(i64::from(key.created_at().as_secs()), bindings)?;
                newest(bindings, stated_flags).is_some_and(|flags| flags.sign())
            }
        };
        if !may_sign {
            return Err(not_for_signing("its owner has not marked it so"));
        }
        Ok(Signed { fingerprint, name: name.clone() })
    }
}

/// A time at which something was signed, with a key.
struct Period<'a> {
    fingerprint: &'a str,
    at: i64,
}

impl Period<'_> {
    fn not_revoked(&self, revocations: &[Signature]) -> Result<(), Refusal> {
        for one in revocations {
            let (since, code) = (made_at(one), one.revocation_reason_code());
            let is_soft = matches!(code, Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired));
            if is_soft && self.at < since {
                continue;
            }
            let why = match code {
                Some(RevocationCode::KeySuperseded) => "it was replaced",
                Some(RevocationCode::KeyRetired) => "it is no longer used",
                Some(RevocationCode::KeyCompromised) => "it was compromised",
                _ => "without a reason",
            };
            return Err(Refusal::Revoked {
                fingerprint: self.fingerprint.to_owned(),
                since: time(since),
                why: why.to_owned(),
            });
        }
        Ok(())
    }

    fn within(&self, created: i64, said: &[Signature]) -> Result<(), Refusal> {
        let fingerprint = self.fingerprint.to_owned();
        let at = time(self.at);
        if self.at < created {
            return Err(Refusal::NotYetValid { fingerprint, at, from: time(created) });
        }
        let lasts = newest(said, stated_expiration).unwrap_or_default();
        if lasts > 0 && self.at >= created + lasts {
            return Err(Refusal::Expired { fingerprint, at, until: time(created + lasts) });
        }
        Ok(())
    }
}

/// What is too weak about a key.
fn weak_key(params: &PublicParams) -> Option<String> {
    match params {
        PublicParams::RSA(rsa) => {
            // The modulus comes first, and its length in bits before it.
            let written = rsa.to_bytes().unwrap_or_default();
            let bits = written.first_chunk::<2>().map_or(0, |bits| u16::from_be_bytes(*bits));
            (bits < 2048).then(|| format!("an RSA key of {bits} bits"))
        }
        PublicParams::DSA(_) | PublicParams::Elgamal(_) => Some("a key of DSA or Elgamal".to_owned()),
        _ => None,
    }
}
