//! What the task definition says is to be unpacked, checked: everything after this may rely on it.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::{Environment, Problem, Result};
use crate::contract::{Directory, Encoding, File, Files, Insertion, VARIABLE};

/// The version of the contract that this program understands.
const VERSION: u32 = 1;
const UPGRADE: &str = "`files_image` and the agent that wrote the task definition must be of releases that go together: take a newer \
                       `files_image`, then `agent apply`";

/// One directory of the image and the volume that takes its place.
#[derive(Debug)]
pub struct Target {
    /// In the image.
    pub path: PathBuf,
    /// Here.
    pub volume: PathBuf,
    /// Whether the image's content is left out.
    pub replace: bool,
    /// What is laid over it.
    pub files: Vec<Item>,
}

/// One file.
#[derive(Debug)]
pub struct Item {
    /// As the task definition has it.
    pub name: String,
    /// The folders below the directory that lead to it.
    pub folders: Vec<String>,
    /// Its own name.
    pub base: String,
    /// Permissions.
    pub mode: u32,
    /// User by number.
    pub uid: u32,
    /// Group by number.
    pub gid: u32,
    /// Of the decoded content, before insertions.
    pub sha256: [u8; 32],
    /// What holds it.
    pub parameters: Vec<String>,
    /// How it is held.
    pub encoding: Encoding,
    /// What goes into it.
    pub insertions: Vec<Insertion>,
}

/// Reads and checks the environment variable.
pub fn read(environment: Environment<'_>) -> Result<Vec<Target>> {
    let text = environment(VARIABLE).ok_or_else(|| {
        Problem::new(format!(
            "the environment variable {VARIABLE} is not set; the agent sets it in the task definition"
        ))
    })?;
    let text = text.to_str().ok_or_else(|| Problem::new(format!("{VARIABLE} is not UTF-8; {UPGRADE}")))?;
    parse(text).map_err(|problem| problem.at(VARIABLE))
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn parse(text: &str) -> Result<Vec<Target>> {
    let garbage = |cause| Problem::new(format!("it is not what this program reads ({cause}); {UPGRADE}"));
    // The version first: a later one may have keys that this program does not know.
    let Version { version } = serde_json::from_str(text).map_err(garbage)?;
    if version != VERSION {
        return Err(Problem::new(format!("it is of version {version}, this program understands {VERSION}; {UPGRADE}")));
    }
    let files: Files = serde_json::from_str(text).map_err(garbage)?;
    let mut seen = BTreeSet::new();
    files
        .directories
        .into_iter()
        .map(|directory| {
            let place = format!("directory {}", directory.path);
            if !seen.insert(directory.path.clone()) || !seen.insert(directory.volume.clone()) {
                return Err(broken("its path or its volume is there twice").at(place));
            }
            target(directory).map_err(|problem| problem.at(place))
        })
        .collect()
}

fn target(directory: Directory) -> Result<Target> {
    let (path, volume) = (absolute(&directory.path)?, absolute(&directory.volume)?);
    if path.starts_with(&volume) || volume.starts_with(&path) {
        return Err(broken(&format!("it and its volume {} lie within each other", volume.display())));
    }
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for file in directory.files {
        let place = format!("file {}", file.name);
        if !seen.insert(file.name.clone()) {
            return Err(broken("it is there twice").at(place));
        }
        files.push(item(file).map_err(|problem| problem.at(place))?);
    }
    Ok(Target { path, volume, replace: directory.replace, files })
}

fn absolute(text: &str) -> Result<PathBuf> {
    let path = Path::new(text);
    let plain = path.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
    if path.is_absolute() && plain && !text.contains('\0') {
        return Ok(path.components().collect());
    }
    Err(broken(&format!("{text:?} is not an absolute path without `..`")))
}

fn item(file: File) -> Result<Item> {
    let mut folders: Vec<String> = file.name.split('/').map(str::to_owned).collect();
    if folders.iter().any(|part| part.is_empty() || part == "." || part == ".." || part.contains('\0')) {
        return Err(broken("its name is not a path below the directory, without `.` and `..`"));
    }
    let base = folders.pop().unwrap_or_default();
    let octal = file.mode.len() <= 4 && file.mode.bytes().all(|digit| digit.is_ascii_digit());
    let mode = u32::from_str_radix(&file.mode, 8).ok().filter(|_| octal);
    let mode = mode.ok_or_else(|| broken(&format!("its mode {:?} is not up to four octal digits", file.mode)))?;
    let owner = file.owner.split_once(':').and_then(|(user, group)| Some((number(user)?, number(group)?)));
    let (uid, gid) =
        owner.ok_or_else(|| broken(&format!("its owner {:?} is not USER:GROUP in numbers", file.owner)))?;
    let sha256 = hash(&file.sha256).ok_or_else(|| broken("its `sha256` is not 64 hex digits"))?;
    if file.parameters.is_empty() || file.parameters.iter().any(String::is_empty) {
        return Err(broken("it has no parameters, or one without a name"));
    }
    let (parameters, encoding, insertions) = (file.parameters, file.encoding, file.insertions);
    if !insertions.is_sorted_by_key(|insertion| insertion.at) {
        return Err(broken("its insertions are not in ascending order"));
    }
    Ok(Item { name: file.name, folders, base, mode, uid, gid, sha256, parameters, encoding, insertions })
}

/// A user or group. The last number of 32 bits means "leave it" to the kernel, so it is nobody's.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number != u32::MAX)
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn broken(what: &str) -> Problem {
    Problem::new(format!("{what}; {UPGRADE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: &str) -> String {
        format!(r#"{{"version":1,"directories":[{{"path":"/etc/nginx","volume":"/v/0","files":[{file}]}}]}}"#)
    }

    fn file(name: &str, mode: &str, owner: &str) -> String {
        let hash = "0".repeat(64);
        with(&format!(
            r#"{{"name":"{name}","mode":"{mode}","owner":"{owner}","sha256":"{hash}","parameters":["/p"],"encoding":"plain"}}"#
        ))
    }

    fn refused(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn what_is_right_is_read() {
        let targets = parse(&file("conf.d/site.conf", "0640", "101:102")).expect("right");
        let item = &targets[0].files[0];
        assert_eq!((item.folders.as_slice(), item.base.as_str()), (["conf.d".to_owned()].as_slice(), "site.conf"));
        assert_eq!((item.mode, item.uid, item.gid), (0o640, 101, 102));
    }

    #[test]
    fn a_name_must_stay_below_the_directory() {
        for name in ["", "/etc/passwd", "../passwd", "a/../../b", "a//b", "./a", "a/", "a\\u0000b"] {
            assert!(refused(&file(name, "0644", "0:0")).contains("not a path below the directory"), "{name}");
        }
    }

    #[test]
    fn modes_and_owners_must_be_numbers_in_range() {
        for mode in ["", "0888", "u=rw", "+644", "00644"] {
            assert!(refused(&file("a", mode, "0:0")).contains("octal"), "{mode}");
        }
        for owner in ["", "0", "root:root", "-1:0", "4294967295:0", "4294967296:0", "+1:0", "0:"] {
            assert!(refused(&file("a", "0644", owner)).contains("USER:GROUP"), "{owner}");
        }
    }

    #[test]
    fn a_later_version_is_named_before_its_unknown_keys() {
        let said = refused(r#"{"version":2,"directories":[],"new":1}"#);
        assert!(said.contains("version 2") && said.contains("files_image"), "{said}");
        assert!(refused(r#"{"version":1,"directories":[],"new":1}"#).contains("unknown field"));
        assert!(refused("nonsense").contains("not what this program reads"));
    }

    #[test]
    fn a_directory_and_its_volume_must_lie_apart() {
        for (path, volume) in [("/", "/v"), ("/etc", "/etc/v"), ("/v/a", "/v")] {
            let text = format!(r#"{{"version":1,"directories":[{{"path":"{path}","volume":"{volume}"}}]}}"#);
            assert!(refused(&text).contains("within each other"), "{path}");
        }
        for path in ["etc/nginx", "/etc/../root", ""] {
            let text = format!(r#"{{"version":1,"directories":[{{"path":"{path}","volume":"/v"}}]}}"#);
            assert!(refused(&text).contains("absolute path"), "{path}");
        }
        let twice = r#"{"version":1,"directories":[{"path":"/a","volume":"/v"},{"path":"/b","volume":"/v"}]}"#;
        assert!(refused(twice).contains("twice"));
    }
}
