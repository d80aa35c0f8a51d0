//! Why a hand-over did not come about.

use std::{io, path::PathBuf};

use super::wire::VERSION;
use crate::listener::Address;

/// What went wrong between the running process and its successor. Nothing has changed then: the
/// running one serves on.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The socket file can neither be connected to nor be opened.
    #[error("the upgrade socket {0} cannot be used; choose another --upgrade-socket")]
    Path(PathBuf, #[source] io::Error),
    /// Sockets are handed over within one user only.
    #[error(
        "the process at the other end of the upgrade socket is user {0}'s, not ours; run both as \
         the same user"
    )]
    Stranger(u32),
    /// A message did not come in time.
    #[error(
        "the process at the other end of the upgrade socket does not answer; if another upgrade \
         is under way, wait for it and try again"
    )]
    Silent,
    /// The other speaks another version of the hand-over.
    #[error(
        "the process at the other end of the upgrade socket hands over by version {0}, we by \
         version {VERSION}; stop it and start anew"
    )]
    Version(u32),
    /// What came was no message, or not the one that was due.
    #[error(
        "what came through the upgrade socket is no hand-over; check that --upgrade-socket is \
         Banyan's own"
    )]
    Malformed,
    /// The connection was closed.
    #[error("the process at the other end of the upgrade socket has gone; try again")]
    Gone,
    /// The system failed us in sending or receiving.
    #[error("the connection through the upgrade socket failed; try again")]
    Connection(#[source] io::Error),
    /// The kernel dropped sockets on the way.
    #[error("not all sockets arrived; raise the limit of open files")]
    Lost,
    /// A socket is not what it was announced as.
    #[error("what was handed over for {0} does not listen there; stop the old process, start anew")]
    Socket(Address, #[source] io::Error),
    /// The running process has given up on its successor.
    #[error("the old process waited too long for us and serves on; find out why, and try again")]
    TooLate,
}
