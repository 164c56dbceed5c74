//! Writing into a volume without leaving it. Every step is taken from an open folder to a name in it and follows no symbolic
//! link, so a link of the image (which nobody here has looked at) leads nothing out. Files and links are made beside their
//! place and renamed into it, so each is either the old one or the new one, whole.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::task::Item;
use super::{Problem, Result};

/// What is written before it has its name. A container that was killed may leave one in a folder; the next run, which writes
/// to the same folders, takes it away.
pub const PARTIAL: &CStr = c".gitops-agent-files.partial";

/// Whose a thing is and who may do what with it; and, when it is a copy, its times.
#[derive(Clone, Copy)]
pub struct Meta {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub times: Option<Times>,
}

/// When a thing was last read and last changed.
#[derive(Clone, Copy)]
pub struct Times {
    pub read: (i64, i64),
    pub changed: (i64, i64),
}

/// The permissions of a folder that nobody said anything about: readable by all, as a container runtime makes it.
const FOLDER: u32 = 0o755;

impl Meta {
    /// As a thing of the image has it.
    #[allow(
        clippy::useless_conversion,
        clippy::cast_possible_wrap,
        reason = "the fields' types differ by architecture"
    )]
    pub fn of(stat: &Stat) -> Self {
        let read = (i64::from(stat.st_atime), stat.st_atime_nsec as i64);
        let changed = (i64::from(stat.st_mtime), stat.st_mtime_nsec as i64);
        let mode = Mode::from_raw_mode(stat.st_mode).as_raw_mode() & 0o7777;
        Self { mode, uid: stat.st_uid, gid: stat.st_gid, times: Some(Times { read, changed }) }
    }

    fn owner(self) -> (Option<Uid>, Option<Gid>) {
        (Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
    }

    fn timestamps(self) -> Option<Timestamps> {
        let at = |(seconds, nanoseconds)| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        self.times.map(|times| Timestamps { last_access: at(times.read), last_modification: at(times.changed) })
    }

    /// Owner before mode, as a new owner takes set-user-id away; times last. An owner that is right already is left alone,
    /// which everybody may, not only root.
    fn set(self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let stat = rustix::fs::fstat(fd)?;
        if (stat.st_uid, stat.st_gid) != (self.uid, self.gid) {
            let (uid, gid) = self.owner();
            rustix::fs::fchown(fd, uid, gid)?;
        }
        rustix::fs::fchmod(fd, Mode::from_raw_mode(self.mode))?;
        if let Some(times) = self.timestamps() {
            rustix::fs::futimens(fd, &times)?;
        }
        Ok(())
    }
}

/// An open folder of a volume.
pub struct Folder(OwnedFd);

impl Folder {
    /// The volume's root.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// A folder in it; not what a link there leads to.
    fn enter(&self, name: &CStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    /// A folder in it, made if need be; and whether it was made.
    pub fn enter_or_make(&self, name: &CStr) -> io::Result<(Self, bool)> {
        let made = match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(cause) => return Err(cause.into()),
        };
        Ok((self.enter(name)?, made))
    }

    /// Lets its owner write to it, until [`finish`](Self::finish): what an earlier run finished may be for reading alone.
    pub fn begin(&self) -> io::Result<()> {
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&self.0)?.st_mode);
        if !mode.contains(Mode::RWXU) {
            rustix::fs::fchmod(&self.0, mode | Mode::RWXU)?;
        }
        Ok(())
    }

    /// A file in it, in place of a file or link that is there.
    pub fn put_file(&self, name: &CStr, meta: Meta, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        self.clear_partial()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.0, PARTIAL, flags, Mode::RUSR | Mode::WUSR)?);
        let written = write(&mut file).and_then(|()| meta.set(file.as_fd()));
        self.name_partial(name, written)
    }

    /// A link in it, in place of a file or link that is there.
    pub fn put_link(&self, name: &CStr, meta: Meta, target: &CStr) -> io::Result<()> {
        self.clear_partial()?;
        rustix::fs::symlinkat(target, &self.0, PARTIAL)?;
        let written = self.set_link(meta);
        self.name_partial(name, written)
    }

    fn set_link(&self, meta: Meta) -> io::Result<()> {
        let stat = rustix::fs::statat(&self.0, PARTIAL, AtFlags::SYMLINK_NOFOLLOW)?;
        if (stat.st_uid, stat.st_gid) != (meta.uid, meta.gid) {
            let (uid, gid) = meta.owner();
            rustix::fs::chownat(&self.0, PARTIAL, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if let Some(times) = meta.timestamps() {
            rustix::fs::utimensat(&self.0, PARTIAL, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Sets the folder's own meta data.
    pub fn finish(&self, meta: Meta) -> io::Result<()> {
        meta.set(self.0.as_fd())
    }

    /// The same for a folder that the image does not have: it stays with the user who made it (root, in a task).
    pub fn finish_new(&self) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.0, Mode::from_raw_mode(FOLDER))?)
    }

    fn clear_partial(&self) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, PARTIAL, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Gives what was written its name. What could not be written or named is taken away: a failed run leaves nothing half.
    fn name_partial(&self, name: &CStr, written: io::Result<()>) -> io::Result<()> {
        let named = written.and_then(|()| Ok(rustix::fs::renameat(&self.0, PARTIAL, &self.0, name)?));
        if named.is_err() {
            let _ = self.clear_partial();
        }
        named
    }

    fn holds(&self, name: &CStr) -> Option<FileType> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode))
    }
}

/// Lays a file over what is in the volume. Folders on the way that are not there are made.
pub fn lay(root: &Folder, item: &Item, content: &[u8]) -> Result<()> {
    let mut way: Vec<Folder> = Vec::new();
    for (depth, part) in item.folders.iter().enumerate() {
        let name = c_string(part)?;
        let parent = way.last().unwrap_or(root);
        let (folder, made) = parent.enter_or_make(&name).map_err(|cause| {
            let folder = item.folders.get(..=depth).unwrap_or_default().join("/");
            match parent.holds(&name) {
                Some(FileType::Symlink) => Problem::new(format!(
                    "{folder} is a symbolic link in the image, and nothing is written through links; give the directory that it \
                     leads to as a target of its own"
                )),
                Some(kind) if kind != FileType::Directory => {
                    Problem::new(format!("{folder} is not a folder in the image; give the file another name"))
                }
                _ => cannot(&format!("make the folder {folder}"), &cause),
            }
        })?;
        if made {
            folder.finish_new().map_err(|cause| cannot("set its folder's mode", &cause))?;
        }
        way.push(folder);
    }
    let parent = way.last().unwrap_or(root);
    let (name, meta) = (c_string(&item.base)?, Meta { mode: item.mode, uid: item.uid, gid: item.gid, times: None });
    parent.put_file(&name, meta, |file| file.write_all(content)).map_err(|cause| match parent.holds(&name) {
        Some(FileType::Directory) => Problem::new("it is a folder in the image; give the file another name"),
        _ => cannot("write it", &cause),
    })
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Problem::new("its name has a zero byte"))
}

/// What the kernel refused, and what that mostly means.
pub fn cannot(what: &str, cause: &io::Error) -> Problem {
    let hint = match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            "; the container must run as root (`user` 0), with the capabilities CHOWN, DAC_OVERRIDE and FOWNER"
        }
        io::ErrorKind::StorageFull => "; the task's `ephemeral_storage` is full: ask for more",
        io::ErrorKind::ReadOnlyFilesystem => "; the volume must be mounted to be written in this container",
        _ => "",
    };
    Problem::new(format!("cannot {what}: {cause}{hint}"))
}
