//! `[service.X.files]`: config files from Git in containers whose images nobody wants to rebuild. What is written, how the
//! files are laid over directories, and what becomes of them: parameters, and the text for the program that unpacks them.

mod check;
mod layout;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::field::AtCreate;
use agent_core::reference::Text;
use agent_files::contract;
use schemars::JsonSchema;
use serde::Deserialize;

use super::config::Config;
use super::path;
use crate::components::{Document, Path, Place, Resources};
use crate::expand::Expansion;
use crate::kinds::ssm::file::{self, File as Kinded};
pub(super) use check::bad_path;
pub(super) use layout::overlap;
use layout::{Target, targets};
use stored::{LARGEST, Stored, stored};

/// The container that brings the program.
pub(super) const PROGRAM_CONTAINER: &str = "agent-files-program";
/// The container that unpacks.
pub(super) const UNPACK_CONTAINER: &str = "agent-files";
/// Where volumes are mounted in the container that unpacks, by number.
pub(super) const VOLUMES: &str = "/gitops-agent/volumes";
/// Environment variables of values that are put into files, by number.
const VALUE: &str = "GITOPS_AGENT_VALUE_";
/// The most bytes of the text that says which files go where: a task definition has 64 KiB in all.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>
const MOST_TEXT: usize = 32 * 1024;

/// A file in the container.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum File {
    /// The file beside the manifest that it is made from.
    Source(String),
    /// More than that.
    Of(FileDetails),
}

/// A file in the container.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDetails {
    /// The file beside the manifest that it is made from, relative to the stack's folder.
    source: String,
    /// Its permissions in octal digits: `0644` when left out.
    #[serde(default = "mode")]
    mode: String,
    /// User and group by number: `0:0` when left out.
    #[serde(default = "owner")]
    owner: String,
    /// Whether `${type.name.attribute}` in it is replaced. `$$` is a dollar then.
    #[serde(default)]
    interpolate: bool,
    /// Whether what the image has in the file's directory is left out. It holds for the whole directory.
    replace_dir: Option<bool>,
}

fn mode() -> String {
    "0644".into()
}

fn owner() -> String {
    "0:0".into()
}

impl File {
    fn source(&self) -> &str {
        match self {
            Self::Source(source) | Self::Of(FileDetails { source, .. }) => source,
        }
    }

    fn details(&self) -> Option<&FileDetails> {
        match self {
            Self::Source(_) => None,
            Self::Of(details) => Some(details),
        }
    }

    fn is_interpolated(&self) -> bool {
        self.details().is_some_and(|details| details.interpolate)
    }

    /// Four octal digits.
    fn mode(&self) -> String {
        self.details().map_or_else(mode, |details| format!("{:0>4}", details.mode))
    }

    fn owner(&self) -> String {
        self.details().map_or_else(owner, |details| details.owner.clone())
    }

    fn replace_dir(&self) -> Option<bool> {
        self.details()?.replace_dir
    }
}

/// Where the source of a file is named.
fn source_at(target: &str) -> Path {
    path(&["files", target, "source"])
}

/// What the task definition needs to know of the files.
pub(super) struct Unpacking {
    /// The directories in which the application finds a volume, in the order of their numbers, and whether it may write.
    pub(super) volumes: Vec<(String, bool)>,
    /// The environment of the container that unpacks.
    pub(super) environment: BTreeMap<String, Text>,
}

impl Config {
    /// Whether there are files, and so the two containers that bring them.
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The files in which references may stand.
    pub(super) fn documents(&self, at: &Place<'_>) -> Vec<Document> {
        let marked = self.files.iter().filter(|(_, file)| file.is_interpolated());
        marked
            .filter_map(|(target, file)| {
                let bytes = at.files.named(&at.span(&source_at(target)), file.source()).ok()?;
                let text = String::from_utf8(bytes.to_vec()).ok()?;
                Some(Document { path: path(&["files", target]), file: file.source().to_owned(), text })
            })
            .collect()
    }

    /// Makes the parameters, and says how they get into the container.
    pub(super) fn add_files(&self, all: &Expansion<'_>, made: &mut Resources, at: &mut Place<'_>) -> Option<Unpacking> {
        if !self.has_files() {
            return None;
        }
        let mut parts = Parts { values: Vec::new(), made, known: BTreeSet::new() };
        let laid = targets(&self.files);
        let mut directories = Vec::new();
        for Target { directory, files, replace } in &laid {
            let files = files.iter().filter_map(|(name, target)| self.file(name, target, all, &mut parts, at));
            directories.push(contract::Directory {
                path: (*directory).to_owned(),
                volume: format!("{VOLUMES}/{}", directories.len()),
                replace: *replace,
                files: files.collect(),
            });
        }
        // With the program at hand, what may be written is prepared too: as the image has it, with its owners and modes.
        for writable in self.container.volumes() {
            let volume = format!("{VOLUMES}/{}", directories.len());
            directories.push(contract::Directory {
                path: writable.to_owned(),
                volume,
                replace: false,
                files: Vec::new(),
            });
        }
        let volumes = directories.iter().enumerate().map(|(n, one)| (one.path.clone(), n >= laid.len())).collect();
        let text = serde_json::to_string(&contract::Files { version: 1, directories }).unwrap_or_default();
        if text.len() > MOST_TEXT {
            let message = format!("`{}` has too many files: their list has {} bytes", at.address(), text.len());
            let hint = format!("{MOST_TEXT} bytes at most: many small files belong in an image");
            at.hinted("too-many-files", &["files"], message, hint);
        }
        let values = parts.values.into_iter().enumerate().map(|(n, value)| (format!("{VALUE}{n}"), value));
        let list = (contract::VARIABLE.to_owned(), text.into());
        Some(Unpacking { volumes, environment: values.chain([list]).collect() })
    }

    fn file(
        &self,
        name: &str,
        target: &str,
        all: &Expansion<'_>,
        parts: &mut Parts<'_>,
        at: &mut Place<'_>,
    ) -> Option<contract::File> {
        let file = self.files.get(target)?;
        let (content, insertions) = if file.is_interpolated() {
            parts.cut(&all.text(&path(&["files", target])))
        } else {
            // What is wrong with it was said when the keys were checked.
            (at.files.named(&at.span(&source_at(target)), file.source()).ok()?.to_vec(), Vec::new())
        };
        let Stored { encoding, parts: texts, sha256 } = match stored(&content) {
            Ok(stored) => stored,
            Err(too_large) => {
                file.refuse_size(target, &too_large, at);
                return None;
            }
        };
        let parameters = texts.into_iter().map(|text| parts.add(text, at)).collect();
        let (mode, owner) = (file.mode(), file.owner());
        Some(contract::File { name: name.to_owned(), mode, owner, sha256, parameters, encoding, insertions })
    }
}

impl File {
    fn refuse_size(&self, target: &str, too_large: &stored::TooLarge, at: &mut Place<'_>) {
        let message = format!("`{}` has {} bytes when it is packed", self.source(), too_large.0);
        let hint = format!("{LARGEST} bytes at most: large files belong in an image or a bucket");
        at.hinted("file-too-large", &source_at(target), message, hint);
    }
}

/// The parameters of a service as they are made, and the values that are put into its files.
struct Parts<'a> {
    values: Vec<Text>,
    made: &'a mut Resources,
    known: BTreeSet<String>,
}

impl Parts<'_> {
    /// The name of the parameter that holds a part, which is made if it is new.
    fn add(&mut self, text: String, at: &Place<'_>) -> String {
        let hash = file::hash(&text);
        let name = format!("{}{hash}", file::prefix_of(&at.stack.name, at.name()));
        if self.known.insert(hash.clone()) {
            let tags = AtCreate(Some(at.stack.tags.clone()));
            let spec = file::Spec { name: name.clone(), value: AtCreate(Some(text)), intact: true, tags };
            self.made.keyed::<Kinded>(&hash, &spec);
        }
        name
    }

    /// A text without its references, and what goes where they stood.
    fn cut(&mut self, text: &Text) -> (Vec<u8>, Vec<contract::Insertion>) {
        let (mut content, mut insertions) = (Vec::new(), Vec::new());
        for piece in text.pieces() {
            if let Some(plain) = piece.plain() {
                content.extend(plain.into_bytes());
                continue;
            }
            let number = self.values.iter().position(|value| *value == piece).unwrap_or_else(|| {
                self.values.push(piece);
                self.values.len() - 1
            });
            insertions.push(contract::Insertion { at: content.len(), variable: format!("{VALUE}{number}") });
        }
        (content, insertions)
    }
}
