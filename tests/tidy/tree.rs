//! The files of the checkout, as the rules see them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tests::project;

/// A text file of the tree.
#[derive(Debug)]
pub(crate) struct Text {
    /// From the root: `proxy/src/main.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Text {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|it| it == extension)
    }
}

/// Every text file of the checkout, without what git ignores.
pub(crate) fn texts() -> Vec<Text> {
    let mut found = Vec::new();
    walk(project::root(), &mut found);
    assert!(found.len() > 50, "the tree was not found: only {} files", found.len());
    found
}

/// One file, by its path from the root.
pub(crate) fn read(path: &str) -> Text {
    let full = project::root().join(path);
    let text = fs::read_to_string(full).unwrap_or_else(|error| panic!("{path}: {error}"));
    Text::new(path, &text)
}

fn walk(directory: &Path, found: &mut Vec<Text>) {
    for path in entries(directory) {
        if path.is_dir() {
            if !is_ignored(&path) {
                walk(&path, found);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(project::root()).unwrap_or(&path);
            found.push(Text { path: path.display().to_string(), text });
        }
    }
}

fn is_ignored(directory: &Path) -> bool {
    [".git", "target"].iter().any(|it| *directory == project::root().join(it))
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listed =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = listed.filter_map(|it| Some(it.ok()?.path())).collect();
    paths.sort();
    paths
}
