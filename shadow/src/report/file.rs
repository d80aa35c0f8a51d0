//! The file of an SQLite store: where it is, and whether it is the same still.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sqlx::sqlite::SqliteConnectOptions;

use super::StoreError;

/// What a URL may hold as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The file that `sqlite://PATH` names, without what an URL would shorten.
pub(super) fn named(url: &str) -> Result<PathBuf, StoreError> {
    let options = SqliteConnectOptions::from_str(url).map_err(StoreError::Url)?;
    let file = options.get_filename();
    let Some(name) = file.file_name().filter(|_| !url.contains("memory")) else {
        let what = "it names no file";
        return Err(StoreError::Url(sqlx::Error::Configuration(what.into())));
    };
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|it| StoreError::Open(sqlx::Error::Io(it)))?;
    Ok(folder.join(name))
}

/// The same file as a URL that nothing shortens; `mode` is `ro`, `rw` or `rwc`, as SQLite has it.
pub(super) fn url(file: &Path, mode: &str) -> String {
    let path = percent_encode(file.as_os_str().as_encoded_bytes(), PATH);
    format!("sqlite://{path}?mode={mode}")
}

/// A file that may be taken away, or exchanged, while it is open. What is written to it then would be
/// lost without a word.
#[derive(Debug)]
pub(super) struct Watched {
    file: PathBuf,
    seen: Mutex<(Option<u64>, Instant)>,
}

impl Watched {
    pub(super) fn new(file: PathBuf) -> Self {
        let seen = Mutex::new((inode(&file), Instant::now()));
        Self { file, seen }
    }

    /// Whether what was opened so long ago is what is there now.
    pub(super) fn is_same_since(&self, age: Duration) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = inode(&self.file);
        if seen.0 != now || now.is_none() {
            *seen = (now, Instant::now());
        }
        age < seen.1.elapsed()
    }
}

fn inode(file: &Path) -> Option<u64> {
    std::fs::metadata(file).ok().map(|it| it.ino())
}
