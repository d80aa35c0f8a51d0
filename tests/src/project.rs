//! Where the project's files are, and where a run may write: below `target/`, and nowhere else.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// The root of the checkout that this crate was built in.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// `target/` of this checkout.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Removes what processes left behind that are gone: a shared shop lives as long as its process, and
/// nothing runs after that.
fn sweep(runs: &Path) {
    let Ok(entries) = fs::read_dir(runs) else { return };
    for path in entries.filter_map(|it| Some(it.ok()?.path())) {
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        let process = name.as_deref().and_then(|it| it.rsplit('-').nth(1));
        if process.is_some_and(|it| !Path::new("/proc").join(it).exists()) {
            // Another process may be sweeping too.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// A new directory below `target/run/`, removed with everything in it when dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates the directory; `what` becomes part of its name.
    ///
    /// # Panics
    /// When it cannot be created: nothing can be tested then.
    #[expect(clippy::expect_used, reason = "a test that cannot write below target/ cannot run")]
    pub fn new(what: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (runs, count) = (target().join("run"), COUNT.fetch_add(1, Ordering::Relaxed));
        if count == 0 {
            sweep(&runs);
        }
        let path = runs.join(format!("{what}-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).expect("target/ must be writable");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is below target/, where `cargo clean` finds it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
