//! `ActionDispatch::Http::UploadedFile`.

use std::{path::Path, sync::Arc};

use tempfile::{NamedTempFile, TempPath};

use super::head::Head;

/// A file that a buyer sent. It is on disk as long as this or a clone of it is there.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The name that it had at the client's, without folders; `None` when there is nothing but
    /// slashes.
    pub original_filename: Option<String>,
    /// What the client says that it is.
    pub content_type: Option<String>,
    /// The part's head, with its line ends.
    pub headers: String,
    /// Its length in bytes.
    pub size: u64,
    path: Arc<TempPath>,
}

impl Upload {
    pub(super) fn new(head: Head, file: NamedTempFile, size: u64) -> Self {
        Self {
            original_filename: head.filename.as_deref().and_then(basename),
            content_type: head.content_type,
            headers: head.text,
            size,
            path: Arc::new(file.into_temp_path()),
        }
    }

    /// Where its content is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// One file is equal to itself only.
impl PartialEq for Upload {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

/// `filename.split(/[\/\\]/).last`, which looks over empty pieces at the end.
fn basename(filename: &str) -> Option<String> {
    filename.split(['/', '\\']).rfind(|it| !it.is_empty()).map(str::to_owned)
}
