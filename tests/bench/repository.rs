//! Repositories that tests and the demo make, and the example stacks mended for what the emulators lack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files of a commit by path.
pub type Files = BTreeMap<String, String>;

/// Commits these files and no others to a branch, in a repository that is made where there is none, and gives the id. The
/// working copy gets them too, whatever branch it is on.
pub fn commit_to(folder: &Path, branch: &str, files: &Files) -> String {
    commit(folder, branch, files, ("Test", "a revision")).expect("the repository is the test's own")
}

/// The same with an author and a message.
///
/// # Errors
/// When the folder cannot be written.
pub fn commit(
    folder: &Path,
    branch: &str,
    files: &Files,
    (author, message): (&str, &str),
) -> Result<String, Box<dyn std::error::Error>> {
    let mut options = git2::RepositoryInitOptions::new();
    let repo = git2::Repository::init_opts(folder, options.initial_head("main"))?;
    let mut index = repo.index()?;
    index.clear()?;
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
        index.add_path(Path::new(name))?;
    }
    index.write()?;
    let tree = repo.find_tree(index.write_tree()?)?;
    let who = git2::Signature::now(author, &format!("{}@example.org", author.to_lowercase()))?;
    let name = format!("refs/heads/{branch}");
    let parent = repo.find_reference(&name).ok().map(|head| head.peel_to_commit()).transpose()?;
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    Ok(repo.commit(Some(&name), &who, &who, message, &tree, &parents)?.to_string())
}

/// The folder of the example stacks.
pub fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

/// The files of an example stack as it is, by path in its folder.
pub fn example(name: &str) -> Files {
    let root = manifests().join(name);
    let mut files = Files::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the examples are there") {
            let path = entry.expect("the examples are there").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).expect("the examples are text"));
        }
    }
    files
}

/// The data exchange in a region of its own: an emulator is shared. moto asks ACM for the certificate of a listener, and nothing
/// makes one there; of IAM's it asks nobody. ministack does not give Service Connect back.
pub fn um(region: &str) -> Files {
    let certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
    let lost = |field: &str| format!("{{ path = \"ecs.service/{field}\", reason = \"ministack loses it\" }}");
    let ignore = format!("\nignore = [{}, {}]\nimage ", lost("service_connect"), lost("sees"));
    let local = |text: String| {
        let text = text.replace(certificate, "arn:aws:iam::123456789012:server-certificate/um");
        text.replace("\nimage ", &ignore).replace("eu-west-1", region)
    };
    example("um").into_iter().map(|(name, text)| (name, local(text))).collect()
}

/// The files with a text of one of them put in the place of another.
///
/// # Panics
/// When the text is not there: an edit that changes nothing would test nothing.
pub fn changed(files: &Files, name: &str, from: &str, to: &str) -> Files {
    let mut files = files.clone();
    let text = files.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"));
    assert!(text.contains(from), "{name} has no `{from}`");
    *text = text.replace(from, to);
    files
}

/// The files below a folder of that name.
pub fn below(folder: &str, files: &Files) -> Files {
    files.iter().map(|(name, text)| (format!("{folder}/{name}"), text.clone())).collect()
}
