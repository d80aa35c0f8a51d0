//! Notices that a file may have changed, however it is changed.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::Sender,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// Watches a file's directory, since the file itself may be replaced, and the directory that it
/// really is in, since it may be a symbolic link.
#[derive(Debug)]
pub(super) struct Notices {
    watcher: RecommendedWatcher,
    file: PathBuf,
    /// The directory that a symbolic link leads to, if it is another one.
    elsewhere: Option<PathBuf>,
}

impl Notices {
    /// From now on `wake` hears of every change in the file's directories.
    pub(super) fn of(file: &Path, wake: Sender<()>) -> notify::Result<Self> {
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Reading the file opens it, which is reported too: the reader must not wake itself.
                if event.is_ok_and(|it| it.kind.is_access()) {
                    return;
                }
                // A reader that has ended needs no waking.
                let _ = wake.send(());
            })?;
        if let Some(directory) = directory(file) {
            watcher.watch(&directory, RecursiveMode::NonRecursive)?;
        }
        let mut notices = Self { watcher, file: file.to_owned(), elsewhere: None };
        notices.follow_link();
        Ok(notices)
    }

    /// Looks where a symbolic link leads now. Call it before each reading: what happens there
    /// afterwards is noticed.
    pub(super) fn follow_link(&mut self) {
        let named = directory(&self.file).and_then(|it| it.canonicalize().ok());
        let real = self.file.canonicalize().ok().as_deref().and_then(directory);
        let elsewhere = real.filter(|it| Some(it) != named.as_ref());
        if elsewhere == self.elsewhere {
            return;
        }
        if let Some(left) = self.elsewhere.take() {
            // A directory that is gone is not watched any more.
            let _ = self.watcher.unwatch(&left);
        }
        if let Some(directory) = &elsewhere
            && let Err(error) = self.watcher.watch(directory, RecursiveMode::NonRecursive)
        {
            let directory = directory.display();
            tracing::warn!(%error, %directory, "no change notices from there; the file is polled");
        }
        self.elsewhere = elsewhere;
    }
}

/// The directory that a path is in.
fn directory(file: &Path) -> Option<PathBuf> {
    file.parent().map(|it| if it == Path::new("") { Path::new(".") } else { it }.to_owned())
}
