//! Signatures made by `gpg` and by Git with it.

mod tools;

use agent_trust::{Keyring, Refusal, Signers};
use pgp::composed::{Deserializable as _, SignedPublicKey};
use pgp::packet::SubpacketType;
use pgp::ser::Serialize as _;
use tools::{Bench, no_change_is_overlooked, no_cut_is_overlooked, openpgp, payload, refusal, signed, ssh};

const MADE: &str = "20240101T000000!";
const SIGNED: &str = "20240701T000000!";

fn bench() -> Option<Bench> {
    let bench = Bench::with(&["gpg", "gpgconf"])?;
    bench.gnupg();
    Some(bench)
}

#[test]
fn commits_that_git_signed_are_good_with_every_kind_of_key() {
    let Some(bench) = bench() else { return };
    let Some(_) = Bench::with(&["git"]) else { return };
    for kind in ["ed25519", "rsa2048", "nistp256", "nistp384"] {
        let print = bench.gpg_key(kind, kind, "sign", MADE, "never");
        let raw = bench.git_commit("openpgp", &print);
        let signer = openpgp(&bench.export(&[])).verify(&raw).unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
        assert_eq!((signer.fingerprint, signer.name), (print, format!("{kind} <{kind}@example.org>")));
    }
}

#[test]
fn each_byte_of_a_commit_is_covered() {
    let Some(bench) = bench() else { return };
    bench.gpg_key("a", "ed25519", "sign", MADE, "never");
    let signers = openpgp(&bench.export(&[]));
    let signature = bench.gpg_sign(&["a"], SIGNED, &[], &payload());
    no_change_is_overlooked(&signers, &signed(&payload(), &signature));
    // Its last line may be missing, and the checksum before it.
    let end = signature.find("\n=").unwrap();
    no_cut_is_overlooked(&signers, &payload(), &signature[..end]);
    let other = String::from_utf8(payload()).unwrap().replace("Two", "Ten");
    assert!(matches!(refusal(signers.verify(&signed(other.as_bytes(), &signature))), Refusal::BadSignature { .. }));
    let text = bench.gpg_sign(&["a"], SIGNED, &["--textmode"], &payload());
    assert!(signers.verify(&signed(&payload(), &text)).is_ok());
    assert!(matches!(refusal(signers.verify(&signed(other.as_bytes(), &text))), Refusal::BadSignature { .. }));
}

#[test]
fn keys_in_any_number_of_blocks_with_or_without_armor() {
    let Some(bench) = bench() else { return };
    let names = ["anna", "bert", "cleo"];
    let prints = names.map(|name| bench.gpg_key(name, "ed25519", "sign", MADE, "never"));
    let each: Vec<Vec<u8>> = names.iter().map(|name| bench.export(&[name])).collect();
    let together = each.join(&b"\nthe next one:\n\n"[..]);
    for ring in [bench.export(&[]), bench.gpg(&["--export"], b""), together] {
        assert_eq!(Keyring::parse(&ring).unwrap().len(), 3);
        for (name, print) in names.iter().zip(&prints) {
            let raw = signed(&payload(), &bench.gpg_sign(&[name], SIGNED, &[], &payload()));
            assert_eq!(openpgp(&ring).verify(&raw).unwrap().fingerprint, *print);
        }
    }
    let raw = signed(&payload(), &bench.gpg_sign(&["cleo"], SIGNED, &[], &payload()));
    let unknown = refusal(openpgp(&each[0]).verify(&raw));
    assert!(matches!(&unknown, Refusal::UnknownKey { fingerprint, .. } if *fingerprint == prints[2]), "{unknown:?}");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    assert!(matches!(refusal(ssh(&format!("a {key}")).verify(&raw)), Refusal::NotConfigured { .. }));
}

#[test]
fn broken_files_are_named() {
    let Some(bench) = bench() else { return };
    bench.gpg_key("a", "ed25519", "sign", MADE, "never");
    let wrong = |ring: &[u8]| Keyring::parse(ring).unwrap_err()[0].to_string();
    let ring = String::from_utf8(bench.export(&[])).unwrap();
    assert_eq!(wrong(b""), "it holds no key");
    assert_eq!(wrong(b"# no key\n"), "it holds no key");
    let cut = &ring[..ring.len() / 2];
    assert_eq!(wrong(format!("# keys\n{cut}").as_bytes()), "line 2: the block does not end");
    assert_eq!(wrong(format!("{cut}\n{ring}").as_bytes()), "line 1: the block does not end");
    assert!(wrong(ring.replace('=', "!").as_bytes()).starts_with("line 1: the block cannot be read"), "{ring}");
    let binary = bench.gpg(&["--export"], b"");
    let told = wrong(&binary[..binary.len() - 10]);
    assert!(told.starts_with("a key cannot be read: packet"), "{told}");
    let secret = bench.gpg(&["--export-secret-keys"], b"");
    assert_eq!(wrong(&secret), "it holds a secret key");
    let secret = bench.gpg(&["--armor", "--export-secret-keys"], b"");
    assert_eq!(wrong(&secret), "line 1: a block of the kind `PGP PRIVATE KEY BLOCK` is no public key");
    let signature = bench.gpg(&["--detach-sign"], b"x");
    assert_eq!(wrong(&signature), "it holds no key");
}

#[test]
fn a_subkey_counts_while_its_owner_and_itself_are_bound_to_each_other() {
    let Some(bench) = bench() else { return };
    let primary = bench.gpg_key("a", "ed25519", "cert", MADE, "never");
    bench.gpg(&["--faked-system-time", MADE, "--quick-add-key", &primary, "ed25519", "sign", "never"], b"");
    let subkey = bench.prints("a").remove(1);
    let raw = signed(&payload(), &bench.gpg_sign(&["a"], SIGNED, &[], &payload()));
    let ring = bench.gpg(&["--export"], b"");
    assert_eq!(openpgp(&ring).verify(&raw).unwrap().fingerprint, subkey);

    // The back signature stands where anybody can take it away.
    let mut key = SignedPublicKey::from_bytes(&ring[..]).unwrap();
    let binding = &mut key.public_subkeys[0].signatures[0];
    let unhashed: Vec<_> = binding.config().unwrap().unhashed_subpackets().map(pgp::packet::Subpacket::typ).collect();
    let at = unhashed.iter().position(|kind| *kind == SubpacketType::EmbeddedSignature).unwrap();
    binding.unhashed_subpacket_remove(at).unwrap();
    let refused = refusal(openpgp(&key.to_bytes().unwrap()).verify(&raw));
    assert!(matches!(&refused, Refusal::NotForSigning { why, .. } if why.contains("binding")), "{refused:?}");

    // Another key with this subkey: its binding is by somebody else.
    bench.gpg_key("b", "ed25519", "sign", MADE, "never");
    let mut thief = SignedPublicKey::from_bytes(&bench.gpg(&["--export", "b"], b"")[..]).unwrap();
    thief.public_subkeys = SignedPublicKey::from_bytes(&ring[..]).unwrap().public_subkeys;
    let refused = refusal(openpgp(&thief.to_bytes().unwrap()).verify(&raw));
    assert!(matches!(refused, Refusal::NotForSigning { .. }), "{refused:?}");
}

#[test]
fn expired_and_future_keys_do_not_count_at_the_time_of_the_signature() {
    let Some(bench) = bench() else { return };
    let print = bench.gpg_key("a", "ed25519", "sign", MADE, "2024-06-01");
    let at = |time: &str| signed(&payload(), &bench.gpg_sign(&["a"], time, &["--ignore-time-conflict"], &payload()));
    let early = at("20240501T000000!");
    let ring = bench.export(&[]);
    assert!(openpgp(&ring).verify(&early).is_ok());
    // gpg signs with no expired key: it is made to last longer, and the older statement is what the agent has.
    bench.gpg(&["--faked-system-time", "20240502T000000!", "--quick-set-expire", &print, "2030-01-01"], b"");
    let late = at(SIGNED);
    let refused = refusal(openpgp(&ring).verify(&late));
    assert!(matches!(&refused, Refusal::Expired { until, .. } if until.starts_with("2024-06-01")), "{refused:?}");
    assert!(openpgp(&bench.export(&[])).verify(&late).is_ok(), "the newest statement counts");
    bench.gpg_key("later", "ed25519", "sign", "20250101T000000!", "never");
    let before =
        bench.gpg_sign(&["later"], "20240701T000000!", &["--ignore-time-conflict", "--ignore-valid-from"], &payload());
    let refused = refusal(openpgp(&bench.export(&[])).verify(&signed(&payload(), &before)));
    assert!(matches!(refused, Refusal::NotYetValid { .. }), "{refused:?}");
}

#[test]
fn revoked_keys_and_subkeys_do_not_count() {
    let Some(bench) = bench() else { return };
    let revoke = |print: &str, reason: &str, at: &str| {
        let answers = format!("y\n{reason}\n\ny\n");
        let args = [
            "--no-tty",
            "--pinentry-mode=loopback",
            "--passphrase=",
            "--yes",
            "--faked-system-time",
            at,
            "--command-fd",
            "0",
        ];
        let made = bench.run("gpg", &[&args[..], &["--gen-revoke", print]].concat(), answers.as_bytes());
        bench.gpg(&["--import"], &made);
    };
    // 0: no reason, 1: compromised, 2: replaced, 3: no longer used.
    for (name, reason, before_counts) in
        [("none", "0", false), ("stolen", "1", false), ("replaced", "2", true), ("retired", "3", true)]
    {
        let print = bench.gpg_key(name, "ed25519", "sign", MADE, "never");
        let raw = signed(&payload(), &bench.gpg_sign(&[name], SIGNED, &[], &payload()));
        let late = signed(&payload(), &bench.gpg_sign(&[name], "20240901T000000!", &[], &payload()));
        assert!(openpgp(&bench.export(&[name])).verify(&late).is_ok());
        revoke(&print, reason, "20240801T000000!");
        let signers = openpgp(&bench.export(&[name]));
        assert_eq!(signers.verify(&raw).is_ok(), before_counts, "{name}");
        let refused = refusal(signers.verify(&late));
        assert!(
            matches!(&refused, Refusal::Revoked { since, .. } if since.starts_with("2024-08-01")),
            "{name}: {refused:?}"
        );
    }
    let primary = bench.gpg_key("sub", "ed25519", "cert", MADE, "never");
    bench.gpg(&["--faked-system-time", MADE, "--quick-add-key", &primary, "ed25519", "sign", "never"], b"");
    let raw = signed(&payload(), &bench.gpg_sign(&["sub"], SIGNED, &[], &payload()));
    let args = [
        "--no-tty",
        "--pinentry-mode=loopback",
        "--passphrase=",
        "--yes",
        "--command-fd",
        "0",
        "--edit-key",
        &primary,
        "key 1",
        "revkey",
    ];
    bench.run("gpg", &args, b"y\n1\n\ny\nsave\n");
    assert!(matches!(refusal(openpgp(&bench.export(&["sub"])).verify(&raw)), Refusal::Revoked { .. }));
}

/// `addrevoker` makes a newer statement of a key about itself, which says nothing of how long it lasts and what it is for.
#[test]
fn a_newer_statement_that_leaves_something_out_takes_nothing_back() {
    let Some(bench) = bench() else { return };
    let other = bench.gpg_key("other", "ed25519", "sign", MADE, "never");
    let add_revoker = |print: &str| {
        let args = ["--no-tty", "--pinentry-mode=loopback", "--passphrase=", "--yes", "--command-fd", "0"];
        let args =
            [&args[..], &["--faked-system-time", "20240201T000000!", "--edit-key", print, "addrevoker"]].concat();
        bench.run("gpg", &args, format!("{other}\ny\nsave\n").as_bytes());
    };
    let print = bench.gpg_key("anna", "ed25519", "sign", MADE, "2024-06-01");
    add_revoker(&print);
    let early = signed(&payload(), &bench.gpg_sign(&["anna"], "20240501T000000!", &[], &payload()));
    assert_eq!(openpgp(&bench.export(&["anna"])).verify(&early).unwrap().fingerprint, print);

    // The subkey lasts for ever, and its owner does not.
    let print = bench.gpg_key("cleo", "ed25519", "cert", MADE, "2024-06-01");
    bench.gpg(&["--faked-system-time", MADE, "--quick-add-key", &print, "ed25519", "sign", "never"], b"");
    add_revoker(&print);
    let ring = bench.export(&["cleo"]);
    bench.gpg(&["--faked-system-time", "20240502T000000!", "--quick-set-expire", &print, "2030-01-01"], b"");
    let late = signed(&payload(), &bench.gpg_sign(&["cleo"], SIGNED, &[], &payload()));
    let refused = refusal(openpgp(&ring).verify(&late));
    assert!(matches!(&refused, Refusal::Expired { until, .. } if until.starts_with("2024-06-01")), "{refused:?}");
    assert!(openpgp(&bench.export(&["cleo"])).verify(&late).is_ok());
}

#[test]
fn keys_that_are_not_for_signing_or_too_weak_do_not_count() {
    let Some(bench) = bench() else { return };
    let print = bench.gpg_key("a", "ed25519", "sign", MADE, "never");
    let raw = signed(&payload(), &bench.gpg_sign(&["a"], SIGNED, &[], &payload()));
    assert!(openpgp(&bench.export(&["a"])).verify(&raw).is_ok());
    let sha1 = bench.gpg_sign(&["a"], SIGNED, &["--digest-algo", "SHA1"], &payload());
    let refused = refusal(openpgp(&bench.export(&["a"])).verify(&signed(&payload(), &sha1)));
    assert!(matches!(&refused, Refusal::Weak { what, .. } if what == "the digest SHA1"), "{refused:?}");
    let expiring = bench.gpg_sign(&["a"], SIGNED, &["--default-sig-expire", "1y"], &payload());
    let refused = refusal(openpgp(&bench.export(&["a"])).verify(&signed(&payload(), &expiring)));
    assert!(matches!(&refused, Refusal::Weak { what, .. } if what.contains("expires")), "{refused:?}");
    let args = [
        "--no-tty",
        "--pinentry-mode=loopback",
        "--passphrase=",
        "--yes",
        "--command-fd",
        "0",
        "--edit-key",
        &print,
        "change-usage",
    ];
    bench.run("gpg", &args, b"S\nQ\nsave\n");
    let refused = refusal(openpgp(&bench.export(&["a"])).verify(&raw));
    assert!(matches!(&refused, Refusal::NotForSigning { why, .. } if why.contains("not marked")), "{refused:?}");

    for (kind, what) in [("rsa1024", "an RSA key of 1024 bits"), ("dsa2048", "a key of DSA or Elgamal")] {
        bench.gpg_key(kind, kind, "sign", MADE, "never");
        let raw = signed(&payload(), &bench.gpg_sign(&[kind], SIGNED, &[], &payload()));
        let refused = refusal(openpgp(&bench.export(&[kind])).verify(&raw));
        assert!(matches!(&refused, Refusal::Weak { what: got, .. } if got == what), "{refused:?}");
    }
    // What it says of itself is signed with SHA-1.
    bench.gpg(
        &[
            "--cert-digest-algo",
            "SHA1",
            "--faked-system-time",
            MADE,
            "--quick-gen-key",
            "old",
            "rsa2048",
            "sign",
            "never",
        ],
        b"",
    );
    let raw = signed(&payload(), &bench.gpg_sign(&["old"], SIGNED, &[], &payload()));
    let refused = refusal(openpgp(&bench.export(&["old"])).verify(&raw));
    assert!(matches!(&refused, Refusal::NotForSigning { why, .. } if why.contains("SHA-1")), "{refused:?}");
}

#[test]
fn two_signatures_are_none() {
    let Some(bench) = bench() else { return };
    bench.gpg_key("a", "ed25519", "sign", MADE, "never");
    bench.gpg_key("b", "ed25519", "sign", MADE, "never");
    let signers = openpgp(&bench.export(&[]));
    let both = bench.gpg_sign(&["a", "b"], SIGNED, &[], &payload());
    assert_eq!(refusal(signers.verify(&signed(&payload(), &both))), Refusal::Several);
    let one = bench.gpg_sign(&["a"], SIGNED, &[], &payload());
    assert_eq!(refusal(signers.verify(&signed(&payload(), &one.repeat(2)))), Refusal::Several);
    assert_eq!(refusal(signers.verify(&signed(&signed(&payload(), &one), &one))), Refusal::Several);
    let message = one.replace("PGP SIGNATURE", "PGP MESSAGE");
    assert!(matches!(refusal(signers.verify(&signed(&payload(), &message))), Refusal::UnknownFormat { .. }));
    let empty = "-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n";
    assert!(matches!(refusal(signers.verify(&signed(&payload(), empty))), Refusal::Malformed { .. }));
}

/// A file that was damaged, or made to harm: it is a mistake, or it means the same keys, or fewer.
#[test]
fn a_changed_key_ring_lets_nobody_else_sign() {
    let Some(bench) = bench() else { return };
    let primary = bench.gpg_key("a", "ed25519", "cert", MADE, "never");
    bench.gpg(&["--faked-system-time", MADE, "--quick-add-key", &primary, "ed25519", "sign", "never"], b"");
    let raw = signed(&payload(), &bench.gpg_sign(&["a"], SIGNED, &[], &payload()));
    let ring = bench.gpg(&["--export"], b"");
    let good = openpgp(&ring).verify(&raw).unwrap();
    let (mut unread, mut refused, mut same) = (0, 0, 0);
    for at in (0..ring.len()).step_by(3) {
        let mut changed = ring.clone();
        changed[at] ^= 1 << (at % 8);
        match Keyring::parse(&changed).map(|ring| Signers { ssh: None, openpgp: Some(ring) }.verify(&raw)) {
            Err(_) => unread += 1,
            Ok(Err(_)) => refused += 1,
            Ok(Ok(signer)) => {
                assert_eq!(signer.fingerprint, good.fingerprint, "byte {at}");
                same += 1;
            }
        }
        let _ = Keyring::parse(&ring[..at]);
    }
    assert!(unread > 0 && refused > 0, "{unread} {refused} {same}");
    // What nobody signs: key ids and digests' beginnings that are only hints, the user's name where another one holds.
    assert!(same < ring.len() / 12, "{unread} {refused} {same}");
}
