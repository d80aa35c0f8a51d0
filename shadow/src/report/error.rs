//! Why a store could not be opened, read or written, and who has to do something about it.

use std::{io, path::PathBuf};

use sqlx::migrate::MigrateError;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not named in a way that is understood.
    #[error(
        "a store is named sqlite://PATH, mysql://USER:PASSWORD@HOST/NAME or \
         postgres://USER:PASSWORD@HOST/NAME"
    )]
    Url(#[source] sqlx::Error),
    /// It is not there, or cannot be created.
    #[error(
        "it cannot be opened: is the directory there and writable, with room on its disk, or the \
         server reachable?"
    )]
    Open(#[source] sqlx::Error),
    /// Its server does not speak TLS as the URL asks for it.
    #[error(
        "no TLS with its server: turn it on there, see to the files that the URL names, or, in a \
         network that nobody else hears, ask for none (`ssl-mode=DISABLED`, `sslmode=disable`)"
    )]
    Tls(#[source] sqlx::Error),
    /// Its server does not prove who it is.
    #[error(
        "its server's certificate is not accepted: name the CA that issued it in the URL \
         (`ssl-ca=FILE` for MySQL, `sslrootcert=FILE` for PostgreSQL), and the server as the \
         certificate does"
    )]
    Certificate(#[source] sqlx::Error),
    /// A certificate or a key that its URL names cannot be read.
    #[error("{}, which its URL names, cannot be read", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// They were made by a build that is not in this one's line, or a migration failed.
    #[error("its tables cannot be brought up to those of this build")]
    Migrate(#[source] MigrateError),
    /// There are tables, and they are not ours.
    #[error("it holds something else: give the reports a database of their own")]
    Foreign,
    /// An older build wrote it last, and reading must not change it.
    #[error("it is of an older version: `banyan serve` on it brings it up to date")]
    Older,
    /// A newer build wrote it last.
    #[error(
        "it is of a newer version, which this build neither reads nor writes: use the build of \
         `banyan` that wrote it, or name another one with --store"
    )]
    Newer,
    /// It was exchanged for another one while it was open.
    #[error("it is another store than the one that was opened: restart `banyan serve`")]
    Exchanged,
    /// The system gave no randomness for the store's key.
    #[error("the system gives no randomness")]
    Key(#[source] getrandom::Error),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether somebody must name another store, or name it otherwise: it does not mend by itself.
    pub(super) const fn is_of_settings(&self) -> bool {
        matches!(
            self,
            Self::Url(_) | Self::Foreign | Self::Tls(_) | Self::Certificate(_) | Self::File(..)
        )
    }
}
