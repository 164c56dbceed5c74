//! Signatures of OpenPGP: RFC 9580, 5.2. What `gpg --verify` does for Git, with a key ring of the operator's in the place of the
//! one in a home folder. The time that counts is that of the signature, which its own digest covers.

use pgp::armor::Dearmor;
use pgp::packet::{Packet, Signature, SignatureType, SignatureVersion};

use crate::Signed;
use crate::commit::Commit;
use crate::keyring::{Candidate, Keyring, packets, weak_digest};
use crate::refusal::{Kind, Refusal};

pub fn verify(ring: &Keyring, commit: &Commit, armored: &[u8]) -> Result<Signed, Refusal> {
    let signature = read(armored)?;
    let fingerprint = named(&signature)?;
    let candidates: Vec<Candidate<'_>> = ring.named_by(&signature).collect();
    if candidates.is_empty() {
        return Err(Refusal::UnknownKey { kind: Kind::OpenPgp, fingerprint });
    }
    let weak = |what| Refusal::Weak { fingerprint: fingerprint.clone(), what };
    if let Some(what) = weak_digest(&signature) {
        return Err(weak(what));
    }
    if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
        return Err(weak(format!("a signature of version {:?}", signature.version())));
    }
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err(Refusal::malformed("it is not one over a document"));
    }
    // A commit is for good, and there is no clock here.
    if signature.signature_expiration_time().is_some_and(|time| time.as_secs() > 0) {
        return Err(weak("it says that it expires by itself".to_owned()));
    }
    let made_at = signature.created().ok_or_else(|| Refusal::malformed("it does not say when it was made"))?;
    let maker = candidates.into_iter().find(|candidate| candidate.has_made(&signature, &commit.payload));
    let maker = maker.ok_or(Refusal::BadSignature { fingerprint })?;
    maker.standing(i64::from(made_at.as_secs()))
}

/// The one signature packet.
fn read(armored: &[u8]) -> Result<Signature, Refusal> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut Dearmor::new(armored), &mut bytes)
        .map_err(|error| Refusal::malformed(crate::printable(&format!("its armor: {error}"))))?;
    let mut packets = packets(&bytes).map_err(Refusal::malformed)?;
    if packets.len() > 1 {
        return Err(Refusal::Several);
    }
    match packets.pop() {
        Some(Packet::Signature(signature)) => Ok(signature),
        Some(_) => Err(Refusal::malformed("it is another kind of packet")),
        None => Err(Refusal::malformed("there is nothing in it")),
    }
}

/// The key that a signature says it was made with.
fn named(signature: &Signature) -> Result<String, Refusal> {
    let print = signature.issuer_fingerprint().first().map(|print| format!("{print:X}"));
    let id = || signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    print.or_else(id).ok_or_else(|| Refusal::malformed("it does not say which key has made it"))
}
