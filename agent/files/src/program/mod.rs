//! The program that unpacks config files inside a task. `install` copies it into a volume; `unpack`, run in the application's
//! own image, fills the volumes that stand for directories of that image.
//!
//! It depends on nothing of the image but DNS and prints no content of a file. Whatever goes wrong is one sentence and exit
//! code 1, and the application does not start.

mod content;
mod copy;
mod credentials;
mod http;
mod install;
mod retry;
mod sigv4;
mod ssm;
mod task;
mod volume;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use crate::contract::{PROGRAM, PROGRAM_DIRECTORY, VARIABLE};
use task::{Item, Target};
use volume::Folder;

/// What went wrong, as a sentence for the task's log: where, what, and what to do.
#[derive(Debug)]
pub struct Problem(String);

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same, with the place before it.
    fn at(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Result<T> = std::result::Result<T, Problem>;

/// Looks an environment variable up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Carries one command out, and returns what is to be said about it.
pub fn run(arguments: &[OsString], environment: Environment<'_>) -> Result<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words.as_slice() {
        ["--version"] => Ok(format!("{PROGRAM} {}\n", env!("CARGO_PKG_VERSION"))),
        ["--help"] => Ok(usage()),
        ["install", directory] => install::install(Path::new(directory)).map(|()| String::new()),
        ["unpack"] => unpack(environment),
        _ => Err(Problem::new(format!("these arguments mean nothing to it. {}", usage().trim_end()))),
    }
}

fn usage() -> String {
    format!(
        "Usage: {PROGRAM} install {PROGRAM_DIRECTORY} (copies itself there) | {PROGRAM} unpack (fills the volumes that \
         {VARIABLE} names) | {PROGRAM} --version\n"
    )
}

/// All content is fetched and checked before the first byte is written: a task whose files are not right finds its volumes
/// as they were.
fn unpack(environment: Environment<'_>) -> Result<String> {
    let targets = task::read(environment)?;
    let items = || targets.iter().flat_map(|target| target.files.iter().map(move |item| (target, item)));
    let parameters = if items().next().is_some() { fetch(&targets, environment)? } else { BTreeMap::new() };
    let mut contents = Vec::new();
    for (target, item) in items() {
        contents.push(
            content::assemble(item, &parameters, environment).map_err(|problem| problem.at(place(target, item)))?,
        );
    }
    let mut contents = contents.into_iter();
    let mut said = String::new();
    for target in &targets {
        let contents: Vec<_> = contents.by_ref().take(target.files.len()).collect();
        fill(target, &contents, &mut said)?;
    }
    Ok(said)
}

fn fetch(targets: &[Target], environment: Environment<'_>) -> Result<BTreeMap<String, String>> {
    let region = ssm::region(environment)?;
    let got = ask(targets, &region, environment).map_err(|problem| {
        let directories: Vec<_> = targets.iter().map(|target| target.path.to_string_lossy()).collect();
        problem.at(format!("the files for {}", directories.join(", ")))
    })?;
    for target in targets {
        for item in &target.files {
            if let Some(missing) = item.parameters.iter().find(|name| !got.contains_key(*name)) {
                return Err(Problem::new(format!(
                    "the parameter {missing} is not in SSM (region {region}); somebody or something has deleted it: `agent \
                     apply` writes it again"
                ))
                .at(place(target, item)));
            }
        }
    }
    Ok(got)
}

fn ask(targets: &[Target], region: &str, environment: Environment<'_>) -> Result<BTreeMap<String, String>> {
    let names = targets.iter().flat_map(|target| &target.files).flat_map(|item| &item.parameters);
    let names = names.cloned().collect();
    let clock = retry::SystemClock::start();
    let patience = retry::Patience::new(&clock);
    let http = http::Client::new()?;
    let endpoint = ssm::endpoint(region, environment)?;
    let credentials = credentials::find(environment, &http, &patience)?;
    ssm::Caller { http: &http, clock: &clock, patience: &patience, region, endpoint, credentials }.get(&names)
}

fn place(target: &Target, item: &Item) -> String {
    format!("directory {}, file {}", target.path.display(), item.name)
}

fn fill(target: &Target, contents: &[Vec<u8>], said: &mut String) -> Result<()> {
    let directory = format!("directory {}", target.path.display());
    let root = Folder::open(&target.volume).map_err(|cause| {
        Problem::new(format!(
            "its volume cannot be opened at {} ({cause}); the task definition must mount it in this container",
            target.volume.display()
        ))
        .at(&directory)
    })?;
    let copied = copy::copy(&target.path, &root, !target.replace).map_err(|problem| problem.at(&directory))?;
    for (item, content) in target.files.iter().zip(contents) {
        volume::lay(&root, item, content).map_err(|problem| problem.at(place(target, item)))?;
    }
    for note in &copied.skipped {
        let _ = writeln!(said, "{directory}: {note}");
    }
    let _ = writeln!(
        said,
        "{directory}: {} of the image kept, {} laid over",
        counted(copied.entries, "entry", "entries"),
        counted(target.files.len(), "file", "files")
    );
    Ok(())
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
