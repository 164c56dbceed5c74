//! Copying a directory of the image into its volume: folders, files and links with their owners, modes and times. Hard links
//! become copies; extended attributes (and with them file capabilities) stay behind.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use super::volume::{Folder, Meta, PARTIAL, cannot};
use super::{Problem, Result};

/// How many folders may lie in one another. Each level holds three files open, of the 1024 that a process may have.
const MOST_DEEP: usize = 200;

/// What was done.
#[derive(Default)]
pub struct Copied {
    /// Files, links and folders.
    pub entries: usize,
    /// A word about each thing that was left out.
    pub skipped: Vec<String>,
}

/// Copies what is in `directory` if `all`, and in any case its own owner, mode and times. A directory that is not there is an
/// empty one. A link at the very top is followed, as the mount that takes the directory's place follows it.
pub fn copy(directory: &Path, into: &Folder, all: bool) -> Result<Copied> {
    let mut copied = Copied::default();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let source = match rustix::fs::open(directory, flags, Mode::empty()) {
        Ok(source) => source,
        Err(rustix::io::Errno::NOENT) => {
            into.finish_new().map_err(|cause| cannot("set the volume's mode", &cause))?;
            return Ok(copied);
        }
        Err(rustix::io::Errno::NOTDIR) => {
            return Err(Problem::new("it is not a directory in the image; a target must be the path of a directory"));
        }
        Err(cause) => return Err(cannot("read it in the image", &cause.into())),
    };
    let mut at = PathBuf::new();
    Walk { copied: &mut copied, at: &mut at }.folder(&source, into, all).map_err(|problem| match problem {
        Fault::Said(problem) => problem,
        Fault::Io(cause) => cannot(&format!("copy {} of the image", shown(&directory.join(&at))), &cause),
    })?;
    Ok(copied)
}

enum Fault {
    Said(Problem),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<rustix::io::Errno> for Fault {
    fn from(cause: rustix::io::Errno) -> Self {
        Self::Io(cause.into())
    }
}

struct Walk<'a> {
    copied: &'a mut Copied,
    /// Where in the directory: what a failure names.
    at: &'a mut PathBuf,
}

impl Walk<'_> {
    fn folder(&mut self, source: &OwnedFd, into: &Folder, all: bool) -> std::result::Result<(), Fault> {
        if self.at.components().count() > MOST_DEEP {
            return Err(Fault::Said(Problem::new(format!(
                "its folders in the image lie more than {MOST_DEEP} deep in one another; take a directory further down as target"
            ))));
        }
        let meta = Meta::of(&rustix::fs::fstat(source)?);
        if all {
            for entry in Dir::read_from(source)? {
                let entry = entry?;
                let name = entry.file_name();
                if name != c"." && name != c".." {
                    self.at.push(std::ffi::OsStr::from_bytes(name.to_bytes()));
                    self.entry(source, into, name)?;
                    self.at.pop();
                }
            }
        }
        Ok(into.finish(meta)?)
    }

    fn entry(&mut self, source: &OwnedFd, into: &Folder, name: &CStr) -> std::result::Result<(), Fault> {
        let stat = rustix::fs::statat(source, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let meta = Meta::of(&stat);
        if name == PARTIAL {
            self.skip("has a name that this program needs");
            return Ok(());
        }
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let below = rustix::fs::openat(source, name, flags, Mode::empty())?;
                let (folder, _) = into.enter_or_make(name)?;
                folder.begin()?;
                self.folder(&below, &folder, true)?;
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let mut from = File::from(rustix::fs::openat(source, name, flags, Mode::empty())?);
                into.put_file(name, meta, |to| io::copy(&mut from, to).map(drop))?;
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(source, name, Vec::new())?;
                into.put_link(name, meta, &target)?;
            }
            _ => {
                self.skip("is a device, a socket or a pipe");
                return Ok(());
            }
        }
        self.copied.entries += 1;
        Ok(())
    }

    fn skip(&mut self, why: &str) {
        self.copied.skipped.push(format!("{} is left out: it {why}", shown(self.at)));
    }
}

/// Escaped, as whoever made the image chose the name.
fn shown(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().escape_debug())
}
