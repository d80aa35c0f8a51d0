//! Opening a file below a directory so that neither its name nor a symbolic link leads out of it.

use std::{
    fs::{File, Metadata},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, ResolveFlags};

/// Why a file was not opened.
#[derive(Debug)]
pub(super) enum OpenError {
    Absent,
    NotAFile,
    Outside,
    Unclear,
    Failed(io::Error),
}

/// Whether files can be opened below `directory` at all: it is one, and the kernel has `openat2`.
pub(super) fn check(directory: &Path) -> io::Result<()> {
    let opened = open_directory(&directory.canonicalize()?)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat2(opened, c".", flags, Mode::empty(), RESOLVE)?;
    Ok(())
}

/// A directory of ours with all symbolic links followed. It was there when we started, so that it
/// has gone is our trouble and not the file's.
pub(super) fn real_root(directory: &Path) -> Result<PathBuf, OpenError> {
    directory.canonicalize().map_err(OpenError::Failed)
}

/// Opens the regular file `path`, which must lie below `root` once all symbolic links are followed.
/// `root` has none left.
///
/// Links may be absolute, as Capistrano's are, so they are followed first, by name. The path that
/// comes out has no link in it, and is opened in one step that follows none: whoever swaps a
/// directory for a link in between gets an error.
pub(super) fn below(root: &Path, path: &Path) -> Result<(File, Metadata), OpenError> {
    let real = path.canonicalize().map_err(OpenError::from)?;
    let below = real.strip_prefix(root).map_err(|_| OpenError::Outside)?;
    if below.as_os_str().is_empty() {
        return Err(OpenError::NotAFile);
    }
    open_plain(root, below)
}

/// Opens what has no symbolic link in its path.
fn open_plain(root: &Path, below: &Path) -> Result<(File, Metadata), OpenError> {
    let directory = open_directory(root).map_err(OpenError::Failed)?;
    // Without NONBLOCK the opening of a pipe would wait for somebody to write into it.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = rustix::fs::openat2(directory, below, flags, Mode::empty(), RESOLVE);
    let file = File::from(opened.map_err(io::Error::from)?);
    let metadata = file.metadata().map_err(OpenError::Failed)?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(OpenError::NotAFile) }
}

const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Absent,
            _ => Self::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_link_that_appears_after_the_path_was_checked_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/file"), "x").unwrap();
        assert!(open_plain(&root, Path::new("real/file")).is_ok());
        symlink("real", root.join("link")).unwrap();
        symlink("real/file", root.join("name")).unwrap();
        for path in ["link/file", "name", "../etc/hostname", "real/../../x", "/etc/hostname"] {
            let opened = open_plain(&root, Path::new(path));
            assert!(matches!(opened, Err(OpenError::Failed(_))), "{path}: {opened:?}");
        }
    }
}
