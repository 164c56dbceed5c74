//! Branches that do not go on from what was applied last, and commits that nobody has signed who may: each is refused in words of
//! its own, nothing is changed, and the next good commit is applied. Signatures are made by `ssh-keygen` and `gpg`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Peaks, Seen, Site, World, compare_with_documentation, files, source};
use crate::bench::emulator::Emulator;
use crate::bench::git_server::{AUTHORITY, GitServer};
use crate::bench::proxy::Proxy;
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::bench::say;
use crate::bench::signing::{Keys, commit, move_to, store, with_signature};
use crate::bench::wire::Wire;

const HISTORY: [&str; 2] = ["src-branch-local", "src-branch-https"];
const SIGNED: &str = "src-signed";
const STRICT: &str = "src-strict";

const MADE: &str = "20240101T000000";

/// Makes the keys: `ours` may sign, and nothing else may now.
fn keys() -> Option<Keys> {
    let keys = Keys::new()?;
    let lines = [
        format!("ours@example.org,us@example.org {}", keys.ssh_key("ours")),
        format!("former@example.org valid-before=\"20240601Z\" {}", keys.ssh_key("former")),
        format!("files@example.org namespaces=\"file\" {}", keys.ssh_key("files")),
    ];
    keys.ssh_key("theirs");
    std::fs::write(keys.at("allowed"), format!("# who may\n{}\n", lines.join("\n"))).unwrap();
    keys.gpg_key("good", MADE);
    keys.gpg_key("revoked", MADE);
    std::fs::write(keys.at("ring.asc"), keys.gpg_export_revoked("revoked")).unwrap();
    keys.gpg_key("stranger", MADE);
    Some(keys)
}

impl Site<'_> {
    /// The next revision, as a commit that is not stored yet.
    fn next(&mut self, parents: &[&str]) -> Vec<u8> {
        self.revisions += 1;
        commit(&self.folder, &files(self.stack, self.revisions), parents)
    }

    /// Stores a commit and moves `main` to it.
    fn push(&self, raw: &[u8]) -> String {
        let id = store(&self.folder, raw);
        move_to(&self.folder, "main", &id);
        id
    }

    /// A commit on top of one, signed by somebody who may.
    fn signed(&mut self, keys: &Keys, parents: &[&str]) -> Vec<u8> {
        let raw = self.next(parents);
        let signature = keys.ssh("ours", "git", &raw);
        with_signature(&raw, &signature)
    }

    /// Refused, and then good again with a signed commit on top of the last good one.
    fn refuses(
        &mut self,
        keys: &Keys,
        what: &'static str,
        words: &'static str,
        raw: impl FnOnce(&mut Self, &str) -> Vec<u8>,
    ) -> Seen {
        let good = self.tip();
        let fail = |site: &mut Self| {
            let raw = raw(site, &good);
            site.push(&raw);
        };
        let mend = |site: &mut Self| {
            let raw = site.signed(keys, &[&good]);
            site.push(&raw)
        };
        self.suffers(what, words, fail, mend)
    }
}

fn history(mut site: Site<'_>, server: Option<&GitServer>) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut moved = |site: &mut Site<'_>, what, words, to: &dyn Fn(&mut Site<'_>, &str) -> String| {
        let good = site.tip();
        let fail = |site: &mut Site<'_>| {
            let id = to(site, &good);
            move_to(&site.folder, "main", &id);
        };
        let mend = |site: &mut Site<'_>| {
            move_to(&site.folder, "main", &good);
            site.commit()
        };
        seen.push(site.suffers(what, words, fail, mend));
    };
    // So that there is something to go back to.
    for _ in 0..2 {
        let (mark, id) = (site.world.agent.mark(), site.commit());
        site.applied(mark, &id);
    }
    let ancestor = |site: &Site<'_>, of: &str, steps: &str| {
        let repository = git2::Repository::open(&site.folder).unwrap();
        repository.revparse_single(&format!("{of}{steps}")).unwrap().id().to_string()
    };
    let https = server.is_some();
    let named = |local: &'static str, remote: &'static str| if https { remote } else { local };
    moved(&mut site, named("branch moved back", "branch moved back, https"), "which is older than", &|site, good| {
        ancestor(site, good, "~1")
    });
    moved(&mut site, named("forced push", "forced push, https"), "does not descend from", &|site, good| {
        let parent = ancestor(site, good, "~1");
        let raw = site.next(&[&parent]);
        store(&site.folder, &raw)
    });
    moved(&mut site, named("another history", "another history, https"), "", &|site, _| {
        let raw = site.next(&[]);
        store(&site.folder, &raw)
    });
    let fail = |site: &mut Site<'_>| site.rename_branch("main", "maint");
    let mend = |site: &mut Site<'_>| {
        site.rename_branch("maint", "main");
        site.commit()
    };
    seen.push(site.suffers(
        named("branch deleted", "branch deleted, https"),
        "has no branch, tag or commit",
        fail,
        mend,
    ));
    // One that is empty, and one that is somebody else's.
    for (what, words, is_empty) in [
        (named("repository emptied", "repository emptied, https"), "has no commit yet", true),
        (named("another repository", "another repository, https"), "", false),
    ] {
        let aside = site.folder.with_extension("aside");
        let other = site.folder.with_extension("other");
        let fail = |site: &mut Site<'_>| {
            git2::Repository::init(&other).unwrap();
            if !is_empty {
                commit_to(&other, "main", &files(site.stack, 1000));
            }
            if let Some(server) = server {
                server.serve(&other);
            } else {
                std::fs::rename(&site.folder, &aside).unwrap();
                std::fs::rename(&other, &site.folder).unwrap();
            }
        };
        let mend = |site: &mut Site<'_>| {
            if let Some(server) = server {
                server.serve(&site.folder);
            } else {
                std::fs::remove_dir_all(&site.folder).unwrap();
                std::fs::rename(&aside, &site.folder).unwrap();
            }
            let _ = std::fs::remove_dir_all(&other);
            site.commit()
        };
        seen.push(site.suffers(what, words, fail, mend));
    }
    // Going back is a commit that goes on.
    let mark = site.world.agent.mark();
    let reverted = commit_to(&site.folder, "main", &files(site.stack, 1));
    site.applied(mark, &reverted);
    seen
}

fn signatures(mut site: Site<'_>, keys: &Keys) -> Vec<Seen> {
    let by_ssh = |key: &'static str, namespace: &'static str| {
        move |site: &mut Site<'_>, good: &str| {
            let raw = site.next(&[good]);
            let signature = keys.ssh(key, namespace, &raw);
            with_signature(&raw, &signature)
        }
    };
    let by_gpg = |key: &'static str, more: &'static [&'static str]| {
        move |site: &mut Site<'_>, good: &str| {
            let raw = site.next(&[good]);
            let signature = keys.gpg(key, more, &raw);
            with_signature(&raw, &signature)
        }
    };
    let mut seen = vec![
        site.refuses(keys, "unsigned commit", "it is not signed", |site, good| site.next(&[good])),
        site.refuses(keys, "unknown SSH key", "which is not in `allowed_signers`", by_ssh("theirs", "git")),
        site.refuses(keys, "expired SSH key", "which expired at 2024-06-01T00:00:00Z", by_ssh("former", "git")),
        site.refuses(keys, "SSH key for other things", "lets sign for `file` only", by_ssh("files", "git")),
        site.refuses(keys, "SSH signature of a file", "was made for `file`, and not for `git`", by_ssh("ours", "file")),
        site.refuses(keys, "unknown OpenPGP key", "which is not in `keyring`", by_gpg("stranger", &[])),
        site.refuses(
            keys,
            "OpenPGP digest",
            "is too weak: the digest SHA1",
            by_gpg("good", &["--digest-algo", "SHA1"]),
        ),
        site.refuses(keys, "revoked OpenPGP key", "which was revoked at", by_gpg("revoked", &[])),
    ];
    seen.push(site.refuses(
        keys,
        "changed after it was signed",
        "is wrong: the commit, or the signature",
        |site, good| {
            let signed = String::from_utf8(site.signed(keys, &[good])).unwrap();
            signed.replace("a revision", "another one").into_bytes()
        },
    ));
    seen.push(site.refuses(
        keys,
        "signature of another commit",
        "is wrong: the commit, or the signature",
        |site, good| {
            let other = site.next(&[good]);
            let signature = keys.ssh("ours", "git", &other);
            with_signature(&site.next(&[good]), &signature)
        },
    ));
    seen.push(site.refuses(keys, "two signatures", "several signatures", |site, good| {
        let raw = site.next(&[good]);
        let (one, other) = (keys.ssh("ours", "git", &raw), keys.gpg("good", &[], &raw));
        with_signature(&with_signature(&raw, &one), &other)
    }));
    seen.push(site.refuses(keys, "X.509 signature", "of the kind X.509", |site, good| {
        with_signature(&site.next(&[good]), "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----")
    }));
    seen.push(site.refuses(keys, "garbage for a signature", "its signature is malformed", |site, good| {
        with_signature(&site.next(&[good]), "-----BEGIN SSH SIGNATURE-----\n????\n-----END SSH SIGNATURE-----")
    }));
    let allowed = std::fs::read_to_string(keys.at("allowed")).unwrap();
    let good = site.tip();
    let fail = |site: &mut Site<'_>| {
        std::fs::write(keys.at("allowed"), format!("{allowed}nobody@example.org\n")).unwrap();
        let raw = site.signed(keys, &[&good]);
        site.push(&raw);
    };
    let mend = |site: &mut Site<'_>| {
        std::fs::write(keys.at("allowed"), &allowed).unwrap();
        site.tip()
    };
    let mut broken = site.suffers("broken file of keys", "line 5: it has a principal and nothing else", fail, mend);
    broken.message = broken.message.replace(keys.at("").to_str().unwrap(), "/etc/gitops-agent/");
    seen.push(broken);

    // Good ones: by the other tool, and by somebody who is let in while the agent runs, without a word to it.
    let (mark, good) = (site.world.agent.mark(), site.tip());
    let raw = by_gpg("good", &[])(&mut site, &good);
    let id = site.push(&raw);
    site.applied(mark, &id);
    let (_, line) = site.world.agent.wait_for(mark, &["new revision", &id[..7]]);
    assert!(line.contains("signer=\"good <good@example.org>"), "{line}");
    let fail = |site: &mut Site<'_>| {
        let raw = by_ssh("theirs", "git")(site, &id);
        site.push(&raw);
    };
    let mend = |site: &mut Site<'_>| {
        let theirs = std::fs::read_to_string(keys.at("theirs.pub")).unwrap();
        std::fs::write(keys.at("allowed"), format!("{allowed}new@example.org {theirs}")).unwrap();
        site.tip()
    };
    site.suffers("a new key", "which is not in `allowed_signers`", fail, mend);
    seen
}

fn strictly(mut site: Site<'_>, keys: &Keys) -> Vec<Seen> {
    let mut seen = vec![
        site.refuses(keys, "unsigned commit before a signed one", "it is not signed", |site, good| {
            let raw = site.next(&[good]);
            let unsigned = store(&site.folder, &raw);
            site.signed(keys, &[&unsigned])
        }),
        site.refuses(keys, "unsigned commit that was merged", "it is not signed", |site, good| {
            let (raw, other) = (site.next(&[good]), site.signed(keys, &[good]));
            let (unsigned, signed) = (store(&site.folder, &raw), store(&site.folder, &other));
            site.signed(keys, &[&signed, &unsigned])
        }),
    ];
    // A merge of two that are signed, and a revert.
    let (mark, good) = (site.world.agent.mark(), site.tip());
    let sides = [site.signed(keys, &[&good]), site.signed(keys, &[&good])].map(|raw| store(&site.folder, &raw));
    let merge = site.signed(keys, &[&sides[0], &sides[1]]);
    let id = site.push(&merge);
    site.applied(mark, &id);
    let mark = site.world.agent.mark();
    let revert = commit(&site.folder, &files(site.stack, 1), &[&id]);
    let revert = with_signature(&revert, &keys.gpg("good", &[], &revert));
    let id = site.push(&revert);
    site.applied(mark, &id);
    // Signed as it is, an old commit is not the next one.
    seen.push(site.refuses(keys, "branch moved back, all signed", "which is older than", |site, _| {
        let repository = git2::Repository::open(&site.folder).unwrap();
        let merged = repository.odb().unwrap();
        let object = merged.read(git2::Oid::from_str(&sides[0]).unwrap()).unwrap();
        object.data().to_vec()
    }));
    seen
}

#[test]
fn what_does_not_go_on_or_is_not_signed_is_refused_and_nothing_else_happens() {
    let Some(keys) = keys() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut text = format!("cache = \"{}\"\n\n", at("cache").display());
    let mut servers = BTreeMap::new();
    let signers = |verify: &str| {
        let (allowed, ring) = (keys.at("allowed"), keys.at("ring.asc"));
        format!("verify = \"{verify}\"\nallowed_signers = \"{}\"\nkeyring = \"{}\"", allowed.display(), ring.display())
    };
    for (name, is_https, verify) in
        [(HISTORY[0], false, "none"), (HISTORY[1], true, "none"), (SIGNED, false, "head"), (STRICT, true, "strict")]
    {
        begin(&at(name), name, &keys);
        let url = if is_https {
            let server = GitServer::https(&at(name));
            let url = server.url();
            servers.insert(name, server);
            url
        } else {
            at(name).to_str().unwrap().to_owned()
        };
        let rest = if verify == "none" { String::new() } else { signers(verify) };
        text += &source(&url, &format!("interval = \"1s\"\ntimeout = \"60s\"\n{rest}"));
    }
    std::fs::write(at("agent.toml"), text + "[reconcile]\ndrift = \"1h\"\nat_once = 8\n").unwrap();
    std::fs::write(at("authority.pem"), AUTHORITY).unwrap();
    let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
    let mut env = proxy.env();
    env.insert("SSL_CERT_FILE".to_owned(), at("authority.pem").to_str().unwrap().to_owned());
    let world = World { agent: Running::start(&at("agent.toml"), &env), proxy };
    for name in [HISTORY[0], HISTORY[1], SIGNED, STRICT] {
        world.agent.wait_for(0, &["converged", name]);
    }
    let peaks = Peaks::default();
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let (world, peaks, keys, servers) = (&world, &peaks, &keys, &servers);
        scope.spawn(move || peaks.watch(&world.agent));
        let site = |name: &'static str| {
            let url = servers.get(name).map_or_else(|| at(name).to_str().unwrap().to_owned(), GitServer::url);
            Site::new(world, name, at(name), url)
        };
        let threads = [
            {
                let site = site(HISTORY[0]);
                scope.spawn(move || history(site, None))
            },
            {
                let site = site(HISTORY[1]);
                scope.spawn(move || history(site, servers.get(HISTORY[1])))
            },
            {
                let site = site(SIGNED);
                scope.spawn(move || signatures(site, keys))
            },
            {
                let site = site(STRICT);
                scope.spawn(move || strictly(site, keys))
            },
        ];
        let results = threads.map(std::thread::ScopedJoinHandle::join);
        peaks.done.store(true, std::sync::atomic::Ordering::Relaxed);
        results.into_iter().flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let slowest = seen.iter().max_by_key(|one| one.told).unwrap();
    say(&format!(
        "{} refusals, each told within {:.1?}, back within {:.1?}; a child had at most {} KiB",
        seen.len(),
        slowest.told,
        seen.iter().map(|one| one.back).max().unwrap(),
        peaks.child.into_inner()
    ));
    let (status, _) = world.agent.stop();
    assert!(status.success(), "{status}");
    compare_with_documentation("refusals", &seen);
}

/// A repository whose first commit is signed.
fn begin(folder: &Path, stack: &str, keys: &Keys) {
    let options = &mut git2::RepositoryInitOptions::new();
    git2::Repository::init_opts(folder, options.initial_head("main")).unwrap();
    let raw = commit(folder, &files(stack, 0), &[]);
    let signature = keys.ssh("ours", "git", &raw);
    let id = store(folder, &with_signature(&raw, &signature));
    move_to(folder, "main", &id);
}
