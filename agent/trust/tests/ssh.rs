//! Signatures made by `ssh-keygen` and by Git with it.

mod tools;

use agent_trust::{AllowedSigners, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use tools::{
    Bench, COMMITTED, no_change_is_overlooked, no_cut_is_overlooked, payload, refusal, signed, ssh, with_header,
};

const KINDS: [&[&str]; 5] =
    [&["ed25519"], &["ecdsa", "-b", "256"], &["ecdsa", "-b", "384"], &["ecdsa", "-b", "521"], &["rsa", "-b", "2048"]];

#[test]
fn commits_that_git_signed_are_good_with_every_kind_of_key() {
    let Some(bench) = Bench::with(&["git", "ssh-keygen"]) else { return };
    for (n, kind) in KINDS.into_iter().enumerate() {
        let name = format!("key{n}");
        let key = bench.ssh_key(&name, kind);
        let raw = bench.git_commit("ssh", &format!("../{name}"));
        let signer = ssh(&format!("a@example.org,b@example.org {key}\n"))
            .verify(&raw)
            .unwrap_or_else(|e| panic!("{kind:?}: {e}"));
        assert_eq!(signer.name, "a@example.org,b@example.org");
        let listed = String::from_utf8(bench.run("ssh-keygen", &["-l", "-f", &format!("{name}.pub")], b"")).unwrap();
        assert!(listed.contains(&signer.fingerprint), "{listed}\n{}", signer.fingerprint);
    }
}

#[test]
fn each_byte_of_a_commit_is_covered() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let key = bench.ssh_key("key", &["ed25519"]);
    let signature = bench.ssh_sign("key", &["-n", "git"], &payload());
    let signers = ssh(&format!("a@x {key}"));
    no_change_is_overlooked(&signers, &signed(&payload(), &signature));
    no_cut_is_overlooked(&signers, &payload(), &signature);
}

#[test]
fn both_digests_count_and_other_namespaces_do_not() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let key = bench.ssh_key("key", &["ed25519"]);
    let signers = ssh(&format!("a@x {key}"));
    for digest in ["sha256", "sha512"] {
        let signature = bench.ssh_sign("key", &["-n", "git", "-O", &format!("hashalg={digest}")], &payload());
        assert!(signers.verify(&signed(&payload(), &signature)).is_ok(), "{digest}");
    }
    for namespace in ["file", "Git", "git ", "git2"] {
        let signature = bench.ssh_sign("key", &["-n", namespace], &payload());
        let refusal = refusal(signers.verify(&signed(&payload(), &signature)));
        assert!(matches!(&refusal, Refusal::WrongNamespace { namespace: got, .. } if got == namespace), "{refusal:?}");
    }
    let signature = bench.ssh_sign("key", &["-n", "git"], &payload());
    for (list, good) in [("git", true), ("file,g?t", true), ("*", true), ("file", false), ("*,!git", false)] {
        let allowed = format!("a@x namespaces=\"{list}\" {key}");
        let ours = ssh(&allowed).verify(&signed(&payload(), &signature));
        let theirs = bench.ssh_verify(&allowed, "a@x", &signature, &payload());
        assert_eq!((ours.is_ok(), theirs.is_ok()), (good, good), "{list}: {ours:?} {theirs:?}");
        if !good {
            assert!(matches!(refusal(ours), Refusal::NamespaceNotAllowed { .. }));
        }
    }
}

#[test]
fn only_the_key_itself_is_trusted_and_not_its_name() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let (key, other) = (bench.ssh_key("key", &["ed25519"]), bench.ssh_key("other", &["ed25519"]));
    let signature = bench.ssh_sign("other", &["-n", "git"], &payload());
    let raw = signed(&payload(), &signature);
    let refused = refusal(ssh(&format!("a@x {key}")).verify(&raw));
    let listed = String::from_utf8(bench.run("ssh-keygen", &["-l", "-f", "other.pub"], b"")).unwrap();
    assert!(matches!(&refused, Refusal::UnknownKey { fingerprint, .. } if listed.contains(fingerprint)), "{refused:?}");
    assert_eq!(ssh(&format!("a@x {key}\na@x {other}")).verify(&raw).unwrap().name, "a@x");
    // The key of one who may, in front of a signature by another.
    let blob = |text: &str| STANDARD.decode(text.lines().filter(|l| !l.starts_with('-')).collect::<String>()).unwrap();
    let raw_key = |public: &str| STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
    let (ours, theirs) = (raw_key(&key), raw_key(&other));
    let forged = blob(&signature);
    let at = forged.windows(theirs.len()).position(|window| window == theirs).unwrap();
    let forged = [&forged[..at], &ours, &forged[at + theirs.len()..]].concat();
    let forged = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(forged));
    let refused = refusal(ssh(&format!("a@x {key}")).verify(&signed(&payload(), &forged)));
    assert!(matches!(refused, Refusal::BadSignature { .. }), "{refused:?}");
}

#[test]
fn a_signature_over_another_commit_is_wrong() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let signers = ssh(&format!("a@x {}", bench.ssh_key("key", &["ed25519"])));
    let signature = bench.ssh_sign("key", &["-n", "git"], &payload());
    let other = String::from_utf8(payload()).unwrap().replace("Two", "Ten");
    assert!(matches!(refusal(signers.verify(&signed(other.as_bytes(), &signature))), Refusal::BadSignature { .. }));
    let ends = String::from_utf8(payload()).unwrap().replace("replicas\n", "replicas\r\n");
    assert!(matches!(refusal(signers.verify(&signed(ends.as_bytes(), &signature))), Refusal::BadSignature { .. }));
    // Line ends of the signature itself are not signed, and Git's tools take them as well.
    assert!(signers.verify(&signed(&payload(), &signature.replace('\n', "\r\n"))).is_ok());
}

#[test]
fn the_time_of_the_commit_decides_whether_a_key_was_valid() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let key = bench.ssh_key("key", &["ed25519"]);
    let raw = signed(&payload(), &bench.ssh_sign("key", &["-n", "git"], &payload()));
    let with = |options: &str| ssh(&format!("a@x {options} {key}")).verify(&raw);
    assert_eq!(COMMITTED, 1_719_792_000, "2024-07-01T00:00:00Z");
    assert!(with("valid-after=\"20240701Z\"").is_ok());
    assert!(with("valid-before=\"20240701Z\"").is_ok());
    assert!(matches!(refusal(with("valid-after=\"20240701000001Z\"")), Refusal::NotYetValid { .. }));
    let expired = refusal(with("valid-before=\"20240630235959Z\""));
    assert!(expired.to_string().contains("expired at 2024-06-30T23:59:59Z"), "{expired}");
    // Of several lines of one key, one is enough.
    let lines = format!("a@x valid-before=\"20240630Z\" {key}\nb@x valid-after=\"20240630Z\" {key}\n");
    assert_eq!(ssh(&lines).verify(&raw).unwrap().name, "b@x");
}

#[test]
fn two_signatures_are_none_and_neither_is_one_of_another_kind() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let signers = ssh(&format!("a@x {}", bench.ssh_key("key", &["ed25519"])));
    let signature = bench.ssh_sign("key", &["-n", "git"], &payload());
    let raw = signed(&payload(), &signature);
    assert_eq!(refusal(signers.verify(&signed(&raw, &signature))), Refusal::Several);
    assert_eq!(refusal(signers.verify(&signed(&payload(), &signature.repeat(2)))), Refusal::Several);
    assert_eq!(refusal(signers.verify(&payload())), Refusal::NotSigned);
    assert_eq!(refusal(signers.verify(&with_header(&payload(), "gpgsig-sha256", &signature))), Refusal::NotSigned);
    // What Git puts there for its other format is not part of what this one signs.
    assert!(signers.verify(&with_header(&raw, "gpgsig-sha256", "whatever\nit\nis")).is_ok());
    let x509 = "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n";
    assert!(matches!(refusal(signers.verify(&signed(&payload(), x509))), Refusal::UnknownFormat { .. }));
    let pgp = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
    assert!(matches!(refusal(signers.verify(&signed(&payload(), pgp))), Refusal::NotConfigured { .. }));
    let after = signature.clone() + "something\n";
    assert!(matches!(refusal(signers.verify(&signed(&payload(), &after))), Refusal::Malformed { .. }));
    let long = format!("{signature}\n{}", "x".repeat(64 << 10));
    assert!(matches!(refusal(signers.verify(&signed(&payload(), &long))), Refusal::TooLarge { .. }));
}

#[test]
fn weak_keys_digests_and_certificates_do_not_count() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let weak = bench.ssh_key("weak", &["rsa", "-b", "1024"]);
    let told = AllowedSigners::parse(format!("a@x {weak}").as_bytes()).unwrap_err();
    assert!(told[0].to_string().contains("and this one has 1024"), "{told:?}");
    let large = bench.ssh_key("large", &["rsa", "-b", "4104"]);
    assert!(AllowedSigners::parse(format!("a@x {large}").as_bytes()).is_err());

    let key = bench.ssh_key("key", &["rsa", "-b", "2048"]);
    let signers = ssh(&format!("a@x {key}"));
    let signature = bench.ssh_sign("key", &["-n", "git"], &payload());
    let blob = STANDARD.decode(signature.lines().filter(|l| !l.starts_with('-')).collect::<String>()).unwrap();
    let armored = |blob: &[u8]| {
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(blob))
    };
    let place = |word: &[u8]| blob.windows(word.len()).rposition(|window| window == word).unwrap();
    // The last string holds the name of the algorithm and 256 bytes, and its length comes before it.
    let begin = place(b"\0\0\0\x0crsa-sha2-512");
    let inner = [&b"\0\0\0\x07ssh-rsa"[..], &blob[begin + 16..]].concat();
    let sha1 = [&blob[..begin - 4], &u32::try_from(inner.len()).unwrap().to_be_bytes(), &inner].concat();
    let refused = refusal(signers.verify(&signed(&payload(), &armored(&sha1))));
    assert!(matches!(&refused, Refusal::Weak { what, .. } if what == "RSA with SHA-1"), "{refused:?}");
    let mut other = blob.clone();
    let at = place(b"sha512");
    other[at..at + 6].copy_from_slice(b"sha384");
    let refused = refusal(signers.verify(&signed(&payload(), &armored(&other))));
    assert!(matches!(&refused, Refusal::Weak { what, .. } if what == "the digest sha384"), "{refused:?}");

    bench.ssh_key("authority", &["ed25519"]);
    bench.run("ssh-keygen", &["-q", "-s", "authority", "-I", "a", "-n", "a@x", "key.pub"], b"");
    // It signs with the key beside the certificate.
    let signature = bench.ssh_sign("key-cert.pub", &["-n", "git"], &payload());
    let refused = refusal(signers.verify(&signed(&payload(), &signature)));
    assert!(matches!(&refused, Refusal::UnknownFormat { what } if what.contains("certificate")), "{refused:?}");
}

/// A security key in software: the same signature, over what such a device signs (PROTOCOL.u2f).
#[test]
fn security_keys_count() {
    let Some(bench) = Bench::with(&["ssh-keygen"]) else { return };
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let pair = Ed25519Keypair::from_seed(&[7; 32]);
    let kind = b"sk-ssh-ed25519@openssh.com";
    let key = [string(kind), string(&pair.public.0), string(b"ssh:")].concat();
    let allowed = format!("a@x {} {}", String::from_utf8_lossy(kind), STANDARD.encode(&key));
    let digest = |alg: ssh_key::HashAlg, bytes: &[u8]| alg.digest(bytes);
    let hashed = digest(ssh_key::HashAlg::Sha512, &payload());
    let signed_data = [&b"SSHSIG"[..], &string(b"git"), &string(b""), &string(b"sha512"), &string(&hashed)].concat();
    let flags_and_counter = [1, 0, 0, 0, 9];
    let by_device = [
        digest(ssh_key::HashAlg::Sha256, b"ssh:"),
        flags_and_counter.to_vec(),
        digest(ssh_key::HashAlg::Sha256, &signed_data),
    ]
    .concat();
    let signer = ssh_key::PrivateKey::new(KeypairData::from(pair), "").unwrap();
    let made = raw_signature(&signer, &by_device).unwrap();
    let inner = [string(kind), string(made.as_bytes()), flags_and_counter.to_vec()].concat();
    let blob =
        [b"SSHSIG\0\0\0\x01".to_vec(), string(&key), string(b"git"), string(b""), string(b"sha512"), string(&inner)]
            .concat();
    let body = STANDARD.encode(blob);
    let lines: Vec<&str> = body.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let armored = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"));
    bench.ssh_verify(&allowed, "a@x", &armored, &payload()).unwrap();
    assert_eq!(ssh(&allowed).verify(&signed(&payload(), &armored)).unwrap().name, "a@x");
    let other = String::from_utf8(payload()).unwrap().replace("Two", "Ten");
    assert!(matches!(refusal(ssh(&allowed).verify(&signed(other.as_bytes(), &armored))), Refusal::BadSignature { .. }));
}

fn raw_signature(key: &impl ssh_key::SigningKey, bytes: &[u8]) -> Result<ssh_key::Signature, impl std::fmt::Debug> {
    key.try_sign(bytes)
}
