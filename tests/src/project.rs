//! Where the project's files are, and where a run may write: below `target/`, and nowhere else.

use std::{
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
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target().join("run").join(format!("{what}-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).expect("target/ must be writable");
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
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
