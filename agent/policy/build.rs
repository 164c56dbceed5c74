//! Makes the list of the pack from the folder: each policy below `policies/` is part of the program, its tests are not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../../policies");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut policies = Vec::new();
    for family in fs::read_dir(&root)? {
        let family = family?.path();
        if family.is_dir() {
            println!("cargo::rerun-if-changed={}", family.display());
            policies.extend(of_family(&family)?);
        }
    }
    policies.sort();
    let mut list = "&[\n".to_owned();
    for policy in &policies {
        let file = policy.strip_prefix(&root).map_err(io::Error::other)?;
        let text = policy.canonicalize()?;
        writeln!(list, "    ({:?}, include_str!({:?})),", file.display().to_string(), text.display().to_string())
            .map_err(io::Error::other)?;
    }
    list.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("pack.rs"), list)
}

fn of_family(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.collect::<io::Result<Vec<_>>>()?;
    let is_policy = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.strip_suffix(".rego").is_some_and(|name| !name.ends_with("_test"))
    };
    Ok(paths.into_iter().filter(is_policy).collect())
}
