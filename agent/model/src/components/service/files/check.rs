//! What can be said about files before anything else is known.

use super::layout::{below, overlap, parent, targets};
use super::stored::stored;
use super::{File, FileDetails, PROGRAM_CONTAINER, UNPACK_CONTAINER, source_at};
use crate::components::service::config::Config;
use crate::components::{Place, path};

/// Directories that the system, or this agent, makes in each container.
const TAKEN: [&str; 4] = ["/dev", "/gitops-agent", "/proc", "/sys"];
/// The longest path in a container, in bytes.
const LONGEST: usize = 255;

/// Why a container cannot have something of its own at an absolute path.
pub(in super::super) fn bad_path(target: &str) -> Option<&'static str> {
    let clean = |c: char| !c.is_control() && !c.is_whitespace() && !":\\".contains(c);
    if !target.starts_with('/') {
        Some("it is the whole path in the container, and begins with `/`")
    } else if target.split('/').any(|part| part == ".." || part == ".") {
        Some("write it without `.` and `..`")
    } else if target.ends_with('/') || target.contains("//") {
        Some("it has no `/` at its end, and no two of them together")
    } else if target.len() > LONGEST {
        Some("a path has 255 bytes at most")
    } else if !target.chars().all(clean) {
        Some("it has no blanks, control characters, `:` or `\\`")
    } else if TAKEN.iter().any(|taken| target == *taken || below(target, taken).is_some()) {
        Some("the system, or this agent, has something of its own there")
    } else {
        None
    }
}

impl Config {
    pub(in super::super) fn check_files(&self, at: &mut Place<'_>) {
        if !self.has_files() {
            return;
        }
        if at.stack.files_image.is_none() {
            let hint = "say under `[stack]` which image of this agent tasks pull: `files_image = \
                \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/gitops-agent@sha256:…\"`";
            let message = format!("`{}` has files, and the stack no `files_image` that unpacks them", at.address());
            at.hinted("missing-key", &["files"], message, hint);
        }
        if [PROGRAM_CONTAINER, UNPACK_CONTAINER].contains(&at.name()) {
            let message = format!("a service with files cannot be called `{}`: a container of its tasks is", at.name());
            at.problem("bad-name", &["files"], message);
        }
        for (target, file) in &self.files {
            self.check_target(target, at);
            file.check(target, at);
        }
        self.check_replaced(at);
    }

    fn check_target(&self, target: &str, at: &mut Place<'_>) {
        let place = ["files", target];
        let message = format!("`{target}` is no place for a file");
        if let Some(why) = bad_path(target) {
            at.hinted_key("bad-path", &place, message, why);
            return;
        }
        if parent(target).is_none() {
            let why = "its directory would be covered, and that is the whole container: take one below `/`";
            at.hinted_key("bad-path", &place, message, why);
            return;
        }
        if let Some(other) = self.files.keys().find(|other| below(other, target).is_some()) {
            at.hinted_key("bad-path", &place, message, format!("it is a directory of `{other}`"));
        }
        for (n, writable) in self.container.writable.iter().enumerate() {
            if parent(target).is_some_and(|directory| overlap(directory, writable)) {
                let message = format!("files go to `{target}`, and a volume covers `{writable}`");
                let words = path(&["container", "writable", &n.to_string()]);
                at.hinted(
                    "conflict",
                    &words,
                    message,
                    "directories with files are read-only; let the program write elsewhere",
                );
            }
        }
    }

    /// What holds for a directory is said once, or the same by all, and of the directory that the volume is for.
    fn check_replaced(&self, at: &mut Place<'_>) {
        for target in targets(&self.files) {
            for (_, whole) in &target.files {
                let Some(said) = self.files.get(*whole).and_then(File::replace_dir) else { continue };
                if said != target.replace {
                    let place = path(&["files", whole, "replace_dir"]);
                    let directory = target.directory;
                    let message = if said {
                        format!("`{whole}` is in the volume for `{directory}`, which keeps what the image has")
                    } else {
                        format!("another file says that what the image has in `{directory}` is left out")
                    };
                    let hint =
                        format!("say `replace_dir` of a file in `{directory}` itself, and nothing else below it");
                    at.hinted("conflict", &place, message, hint);
                }
            }
        }
    }
}

impl File {
    fn check(&self, target: &str, at: &mut Place<'_>) {
        if let Some(FileDetails { mode, owner, .. }) = self.details() {
            let digits = mode.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(mode);
            if digits.len() != 3 || !digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
                let message = format!("`{mode}` says no permissions");
                at.hinted("bad-mode", &["files", target, "mode"], message, "octal digits: `0644`");
            }
            // The last number means "leave it" to the kernel, so it is nobody's.
            let is_id = |text: &str| {
                text.parse::<u32>().is_ok_and(|id| id < u32::MAX) && text.bytes().all(|b| b.is_ascii_digit())
            };
            if !owner.split_once(':').is_some_and(|(user, group)| is_id(user) && is_id(group)) {
                let message = format!("`{owner}` is no owner");
                at.hinted("bad-owner", &["files", target, "owner"], message, "user and group by number: `101:101`");
            }
        }
        let Some(content) = at.file(&source_at(target), self.source()) else { return };
        if !self.is_interpolated() {
            if let Err(too_large) = stored(content) {
                self.refuse_size(target, &too_large, at);
            }
        } else if std::str::from_utf8(content).is_err() {
            let message = format!("`{}` is not UTF-8, and references are looked for in text alone", self.source());
            at.hinted("bad-file", &["files", target, "interpolate"], message, "leave `interpolate` out");
        }
    }
}
