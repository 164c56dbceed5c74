//! A file's bytes from the parts that SSM keeps: joined, decoded, checked, and filled with what only AWS knows.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::task::Item;
use super::{Environment, Problem, Result};
use crate::contract::{Encoding, Insertion, MAX_CONTENT};

/// The content of one file. Nothing of it goes into a message.
pub fn assemble(item: &Item, parameters: &BTreeMap<String, String>, environment: Environment<'_>) -> Result<Vec<u8>> {
    let parts = item.parameters.iter().filter_map(|name| parameters.get(name)).map(String::as_str);
    let content = decode(parts.collect(), item)?;
    if Sha256::digest(&content).as_slice() != item.sha256 {
        return Err(changed(item, "is not the content that the task definition names by its SHA-256"));
    }
    insert(content, &item.insertions, environment)
}

fn decode(text: String, item: &Item) -> Result<Vec<u8>> {
    let content = match item.encoding {
        Encoding::Plain => text.into_bytes(),
        Encoding::Gzip => {
            let packed = STANDARD.decode(text).map_err(|_| changed(item, "is not base64"))?;
            let mut content = Vec::new();
            let most = u64::try_from(MAX_CONTENT).unwrap_or(u64::MAX).saturating_add(1);
            let mut unpacked = flate2::read::GzDecoder::new(packed.as_slice()).take(most);
            unpacked.read_to_end(&mut content).map_err(|_| changed(item, "is not gzip"))?;
            content
        }
    };
    if content.len() > MAX_CONTENT {
        return Err(Problem::new(format!("it unpacks to more than {} MiB; make it smaller", MAX_CONTENT >> 20)));
    }
    Ok(content)
}

fn changed(item: &Item, what: &str) -> Problem {
    let names = item.parameters.join(", ");
    Problem::new(format!(
        "what is in parameter {names} {what}; somebody has written to it past the agent. Nothing was unpacked: delete the \
         parameter, then `agent apply` writes it again"
    ))
}

fn insert(content: Vec<u8>, insertions: &[Insertion], environment: Environment<'_>) -> Result<Vec<u8>> {
    if insertions.is_empty() {
        return Ok(content);
    }
    let text = String::from_utf8(content).map_err(|_| Problem::new("it has insertions, and is not UTF-8 text"))?;
    let mut filled = Vec::with_capacity(text.len());
    let mut done = 0;
    for Insertion { at, variable } in insertions {
        let before = text.get(done..*at).ok_or_else(|| {
            Problem::new(format!(
                "the insertion of {variable} at byte {at} is not at a character of it; `agent apply` must write the task \
                 definition again"
            ))
        })?;
        let value = environment(variable).ok_or_else(|| {
            Problem::new(format!(
                "the environment variable {variable} is to be put in at byte {at} and is not set; the task definition must set \
                 it in this container"
            ))
        })?;
        filled.extend_from_slice(before.as_bytes());
        filled.extend_from_slice(value.as_bytes());
        done = *at;
    }
    filled.extend_from_slice(text.get(done..).unwrap_or_default().as_bytes());
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn put(content: &str, insertions: &[(usize, &str)]) -> Result<String> {
        let insertions: Vec<_> =
            insertions.iter().map(|(at, name)| Insertion { at: *at, variable: (*name).to_owned() }).collect();
        let environment = |name: &str| match name {
            "HOST" => Some("db.example".into()),
            "PORT" => Some("5432".into()),
            _ => None,
        };
        insert(content.as_bytes().to_vec(), &insertions, &environment)
            .map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn insertions_go_before_their_byte_also_at_both_ends_and_beside_each_other() {
        assert_eq!(put("a=:;", &[(2, "HOST"), (3, "PORT")]).expect("fine"), "a=db.example:5432;");
        assert_eq!(put("", &[(0, "HOST"), (0, "PORT")]).expect("fine"), "db.example5432");
        assert_eq!(put("äb", &[(2, "PORT"), (3, "PORT")]).expect("fine"), "ä5432b5432");
    }

    #[test]
    fn an_insertion_inside_a_character_or_past_the_end_or_without_its_variable_is_refused() {
        for insertions in [&[(1, "HOST")][..], &[(4, "HOST")], &[(2, "HOST"), (0, "HOST")]] {
            assert!(put("äb", insertions).expect_err("refused").to_string().contains("HOST"), "{insertions:?}");
        }
        assert!(put("äb", &[(2, "GONE")]).expect_err("refused").to_string().contains("GONE is to be put in"));
        let bytes = vec![0xff];
        let insertions = [Insertion { at: 0, variable: "HOST".to_owned() }];
        assert!(insert(bytes, &insertions, &|_| None).is_err());
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_before_it_fills_the_memory() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let block = vec![0; 1 << 20];
        for _ in 0..17 {
            packer.write_all(&block).expect("packed");
        }
        let text = STANDARD.encode(packer.finish().expect("packed"));
        let item = Item {
            name: "big".to_owned(),
            folders: Vec::new(),
            base: "big".to_owned(),
            mode: 0,
            uid: 0,
            gid: 0,
            sha256: [0; 32],
            parameters: vec!["/p".to_owned()],
            encoding: Encoding::Gzip,
            insertions: Vec::new(),
        };
        assert!(decode(text, &item).expect_err("refused").to_string().contains("16 MiB"));
        assert!(decode("%".to_owned(), &item).expect_err("refused").to_string().contains("not base64"));
        assert!(decode("aGVsbG8=".to_owned(), &item).expect_err("refused").to_string().contains("not gzip"));
    }
}
