//! A commit as Git stores it, taken apart into what was signed and the signature, by the rules of Git's
//! `parse_buffer_signed_by_header`: the header `gpgsig` with the lines that continue it is cut out, wherever after the committer it
//! stands, and `gpgsig-sha256` with it, which is over the same commit in Git's other format.
//!
//! It is stricter than Git where Git is lax and nobody's commits need it: one `gpgsig`, no other header of a name that begins so,
//! and the first headers in Git's order. What libgit2 takes for the tree and the parents is thus what was signed.

use crate::Refusal;

/// Bytes before the message at most.
pub const HEADER_BYTES: usize = 1 << 20;
/// Bytes of a signature at most.
pub const SIGNATURE_BYTES: usize = 64 << 10;

/// What a commit says about its signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Commit {
    /// What was signed: the object without its signatures.
    pub payload: Vec<u8>,
    /// The signature, as the tool wrote it.
    pub signature: Option<Vec<u8>>,
    /// When it was committed, in seconds since 1970: the time that counts for a key of SSH, as it does in Git.
    pub committed: i64,
}

/// Where in the header the reading is: the first headers come in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Tree,
    Parents,
    Authors,
    Rest,
}

/// What a line of the header goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    Payload,
    Signature,
    Nowhere,
}

impl Commit {
    /// Takes a commit apart.
    pub fn parse(raw: &[u8]) -> Result<Self, Refusal> {
        let end = raw.windows(2).position(|two| two == b"\n\n").map_or(raw.len(), |at| at + 1);
        if end > HEADER_BYTES {
            return Err(Refusal::TooLarge { what: "the header of the commit".into(), limit: HEADER_BYTES });
        }
        let (header, message) = raw.split_at(end);
        let (mut at, mut goes) = (At::Tree, Goes::Payload);
        let (mut payload, mut signature, mut committed) = (Vec::with_capacity(raw.len()), None, None);
        for line in header.split_inclusive(|byte| *byte == b'\n') {
            if let Some(rest) = line.strip_prefix(b" ") {
                match (goes, &mut signature) {
                    (Goes::Payload, _) if at < At::Rest => return Err(bad("a line that continues nothing")),
                    (Goes::Payload, _) => payload.extend_from_slice(line),
                    (Goes::Signature, Some(text)) => take(text, rest)?,
                    _ => {}
                }
                continue;
            }
            let (name, value) = split(line);
            goes = match name {
                b"gpgsig" | b"gpgsig-sha256" if at < At::Rest => return Err(bad("a signature before the committer")),
                b"gpgsig" if signature.is_some() => return Err(Refusal::Several),
                b"gpgsig" => {
                    take(signature.insert(Vec::new()), value)?;
                    Goes::Signature
                }
                b"gpgsig-sha256" => Goes::Nowhere,
                name if name.starts_with(b"gpgsig") => return Err(bad("an unknown kind of signature")),
                name => {
                    at = follow(at, name)?;
                    if name == b"committer" {
                        committed = Some(time_of(value)?);
                    }
                    payload.extend_from_slice(line);
                    Goes::Payload
                }
            };
        }
        let committed = committed.ok_or_else(|| bad("it has no committer"))?;
        payload.extend_from_slice(message);
        Ok(Self { payload, signature, committed })
    }
}

fn bad(why: &str) -> Refusal {
    Refusal::BadCommit { why: why.into() }
}

fn take(text: &mut Vec<u8>, line: &[u8]) -> Result<(), Refusal> {
    if text.len() + line.len() > SIGNATURE_BYTES {
        return Err(Refusal::TooLarge { what: "its signature".into(), limit: SIGNATURE_BYTES });
    }
    text.extend_from_slice(line);
    Ok(())
}

/// The name of a header, and the rest of its line.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line.strip_suffix(b"\n").unwrap_or(line), b""),
    }
}

/// Holds the first headers to their order; libgit2 reads nothing else as tree and parents.
fn follow(at: At, name: &[u8]) -> Result<At, Refusal> {
    match (at, name) {
        (At::Tree, b"tree") | (At::Parents, b"parent") => Ok(At::Parents),
        // A few old tools wrote several authors.
        (At::Parents | At::Authors, b"author") => Ok(At::Authors),
        (At::Rest, b"tree" | b"parent" | b"author" | b"committer") => {
            Err(bad("a header that comes once is there twice"))
        }
        (At::Authors, b"committer") | (At::Rest, _) => Ok(At::Rest),
        _ => Err(bad("tree, parents, author and committer are not in this order")),
    }
}

/// The seconds in `Name <address> SECONDS ZONE`.
fn time_of(committer: &[u8]) -> Result<i64, Refusal> {
    let text = String::from_utf8_lossy(committer);
    let after = text.rsplit_once('>').map(|(_, after)| after.trim());
    let seconds = after.and_then(|after| after.split(' ').next()?.parse().ok());
    seconds.ok_or_else(|| bad("the committer has no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent aa\nparent bb\nauthor A <a@x> 1 +0000\ncommitter C \
                        <c@x> 1700000000 +0100\n";

    fn parse(rest: &str) -> Result<Commit, Refusal> {
        Commit::parse(format!("{HEAD}{rest}").as_bytes())
    }

    fn payload(rest: &str) -> String {
        format!("{HEAD}{rest}")
    }

    #[test]
    fn the_signature_is_cut_out_wherever_it_stands_after_the_committer() {
        for (before, after) in
            [("", ""), ("encoding x\n", ""), ("", "encoding x\n"), ("mergetag object aa\n gpgsig no\n \n x\n", "")]
        {
            let commit =
                parse(&format!("{before}gpgsig -----BEGIN\n \n two\n -----END\n{after}\nmessage\n\ngpgsig no\n"))
                    .unwrap();
            assert_eq!(commit.signature.as_deref(), Some(&b"-----BEGIN\n\ntwo\n-----END\n"[..]));
            assert_eq!(
                String::from_utf8(commit.payload).unwrap(),
                payload(&format!("{before}{after}\nmessage\n\ngpgsig no\n"))
            );
            assert_eq!(commit.committed, 1_700_000_000);
        }
    }

    #[test]
    fn the_signature_of_the_other_format_is_not_part_of_what_was_signed() {
        let commit = parse("gpgsig one\n two\ngpgsig-sha256 three\n four\n\nm\n").unwrap();
        assert_eq!(commit.signature.as_deref(), Some(&b"one\ntwo\n"[..]));
        assert_eq!(String::from_utf8(commit.payload).unwrap(), payload("\nm\n"));
        assert_eq!(parse("gpgsig-sha256 three\n four\n\nm\n").unwrap().signature, None);
    }

    #[test]
    fn a_commit_without_a_message_or_a_signature_is_one() {
        let commit = parse("").unwrap();
        assert_eq!((commit.signature, String::from_utf8(commit.payload).unwrap()), (None, payload("")));
    }

    #[test]
    fn several_signatures_are_none() {
        assert_eq!(parse("gpgsig a\ngpgsig b\n\nm\n"), Err(Refusal::Several));
        assert_eq!(parse("gpgsig a\n b\nencoding x\ngpgsig c\n\nm\n"), Err(Refusal::Several));
    }

    #[test]
    fn what_git_does_not_write_is_refused() {
        let refused = |text: &str, why: &str| match Commit::parse(text.as_bytes()) {
            Err(Refusal::BadCommit { why: got }) if got.contains(why) => {}
            other => panic!("{text:?}: {other:?}"),
        };
        let (tree, who) = ("tree aa\n", "author A <a> 1 +0000\ncommitter C <c> 2 +0000\n");
        refused("", "no committer");
        refused(&format!("{tree}author A <a> 1 +0000\n"), "no committer");
        refused(&format!("{who}{tree}"), "not in this order");
        refused(&format!("{tree}gpgsig x\n{who}"), "before the committer");
        refused(&format!("{tree}{who}gpgsign x\n"), "unknown kind");
        refused(&format!("{tree}{who}gpgsig-sha512 x\n"), "unknown kind");
        refused(&format!("{tree}{who}parent aa\n"), "there twice");
        refused(&format!("{tree}{who}committer C <c> 2 +0000\n"), "there twice");
        refused(&format!("{tree} x\n{who}"), "continues nothing");
        refused(&format!("{tree}author A <a> 1 +0000\ncommitter C <c> soon +0000\n"), "no time");
    }

    #[test]
    fn sizes_have_limits() {
        let long = format!("gpgsig a\n {}\n\nm\n", "x".repeat(SIGNATURE_BYTES));
        assert_eq!(parse(&long), Err(Refusal::TooLarge { what: "its signature".into(), limit: SIGNATURE_BYTES }));
        let long = format!("x {}\n\nm\n", "x".repeat(HEADER_BYTES));
        assert!(matches!(parse(&long), Err(Refusal::TooLarge { .. })));
        assert!(parse(&format!("\n{}", "x".repeat(HEADER_BYTES * 2))).is_ok(), "a message may be long");
    }
}
