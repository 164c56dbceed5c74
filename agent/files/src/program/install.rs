//! Copying the program out of its own image, which has nothing else in it, to where the application's image can run it.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{Problem, Result};
use crate::contract::PROGRAM;

/// Copies the running program into `directory`. A copy that is there is replaced in one step: whoever runs it keeps the one
/// that was started.
pub fn install(directory: &Path) -> Result<()> {
    let partial = directory.join(".agent-files.partial");
    copy(&partial).and_then(|()| fs::rename(&partial, directory.join(PROGRAM))).map_err(|cause| {
        Problem::new(format!(
            "cannot copy itself to {} ({cause}); the task definition must mount a volume there that can be written",
            directory.display()
        ))
    })
}

fn copy(partial: &Path) -> io::Result<()> {
    let called = std::env::args_os().next().unwrap_or_default();
    let mut from = fs::File::open("/proc/self/exe").or_else(|_| fs::File::open(called))?;
    match fs::remove_file(partial) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let mut to = fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(partial)?;
    io::copy(&mut from, &mut to)?;
    // Not by `mode` above: the image's umask would take bits away.
    to.set_permissions(fs::Permissions::from_mode(0o755))
}
