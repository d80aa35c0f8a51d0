//! Upgrade without a gap: a new process takes the listening sockets over from the running one.
//!
//! A listening socket that is closed resets the connections that wait in it, also where others
//! share its port (`SO_REUSEPORT`). So the very same sockets are passed on (`SCM_RIGHTS`,
//! unix(7)), and from then on are both processes'; the old one only stops to accept.
//!
//! The successor connects to the upgrade socket, and both talk (`wire.rs` has the words):
//!
//! ```text
//! successor                                  running process
//! take                                  ->
//!                                       <-   sockets, and the sockets themselves
//! (starts everything)
//! serving                               ->
//!                                       <-   retiring, or staying
//! (accepts successors)                       (stops to accept, drains)
//! ```
//!
//! Until the running process says `retiring` it serves as if nothing had happened, and the
//! successor may die or hang. The upgrade socket itself is passed on too: its file always has
//! somebody behind it, and who connects in between is answered by the successor. One successor is
//! served at a time; the next waits in the socket's queue.

mod error;
mod offer;
mod sockets;
mod systemd;
mod wire;

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::Path,
    time::Duration,
};

use rustix::process::geteuid;
use tokio::{net::UnixStream, time::timeout};

pub use error::HandoverError;
pub use offer::Offer;
pub use sockets::{Bound, Sockets};
pub use systemd::SystemdError;

use crate::listener::{self, Address, PRIVATE, Socket};
use wire::{Channel, Listed, Message};

/// How long one side waits for what the other has at hand.
const ANSWER: Duration = Duration::from_secs(10);

/// How often one looks for somebody at the upgrade socket while others come and go there.
const ATTEMPTS: usize = 3;

/// What a process starts with.
#[derive(Debug)]
pub struct Inheritance {
    /// The sockets of the running process; none where nobody runs. Those whose address is not
    /// wanted any more are to be dropped: the running process serves what waits in them.
    pub sockets: Sockets,
    /// To be taken as soon as everything is served from here.
    pub seat: Seat,
}

/// The place behind the upgrade socket.
#[derive(Debug)]
pub struct Seat {
    listener: UnixListener,
    predecessor: Option<Channel>,
}

/// Asks the process behind the upgrade socket `path` for its sockets. Where there is none, the
/// place is ours: the file is made, or that of a process that has ended is replaced.
///
/// # Errors
/// Every [`HandoverError`]; the running process is not affected.
pub async fn take(path: &Path) -> Result<Inheritance, HandoverError> {
    take_within(ANSWER, path).await
}

async fn take_within(limit: Duration, path: &Path) -> Result<Inheritance, HandoverError> {
    timeout(limit, async {
        for _ in 0..ATTEMPTS {
            match look(path).await {
                // It ended before it gave us anything: perhaps nobody is there now.
                Err(HandoverError::Gone) => {}
                found => return found,
            }
        }
        Err(HandoverError::Gone)
    })
    .await
    .unwrap_or(Err(HandoverError::Silent))
}

async fn look(path: &Path) -> Result<Inheritance, HandoverError> {
    use io::ErrorKind::{AddrInUse, ConnectionRefused, NotFound, WouldBlock};
    match UnixStream::connect(path).await {
        Ok(stream) => inherit(Channel::new(stream, geteuid().as_raw())?).await,
        Err(error) if error.kind() == WouldBlock => Err(HandoverError::Silent),
        Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => {
            match listener::bind_unix(path, PRIVATE) {
                Ok(listener) => {
                    let seat = Seat { listener, predecessor: None };
                    Ok(Inheritance { sockets: Sockets::default(), seat })
                }
                // Somebody was there before us, a moment ago.
                Err(error) if error.kind() == AddrInUse => Err(HandoverError::Gone),
                Err(error) => Err(HandoverError::Path(path.to_owned(), error)),
            }
        }
        Err(error) => Err(HandoverError::Path(path.to_owned(), error)),
    }
}

async fn inherit(mut predecessor: Channel) -> Result<Inheritance, HandoverError> {
    predecessor.send(&Message::Take).await?;
    let Message::Sockets { addresses } = predecessor.receive().await? else {
        return Err(HandoverError::Malformed);
    };
    let fds = predecessor.receive_sockets(1).await?;
    let Some(Ok(Socket::Unix(listener))) = fds.into_iter().next().map(Socket::try_from) else {
        return Err(HandoverError::Malformed);
    };
    let mut sockets = Sockets::default();
    for Listed { address, sockets: count } in addresses {
        let address: Address = address.parse().map_err(|_| HandoverError::Malformed)?;
        let fds = predecessor.receive_sockets(count.into()).await?;
        let bound = bound(address.clone(), fds);
        sockets.push(bound.map_err(|error| HandoverError::Socket(address, error))?);
    }
    Ok(Inheritance { sockets, seat: Seat { listener, predecessor: Some(predecessor) } })
}

fn bound(address: Address, fds: Vec<OwnedFd>) -> io::Result<Bound> {
    let sockets = fds.into_iter().map(Socket::try_from).collect::<io::Result<_>>()?;
    Bound::new(address, sockets)
}

impl Seat {
    /// Tells the predecessor, if there is one, that its buyers are served from here: it retires.
    /// `sockets` are what the next successor shall be given: all that is listened on.
    ///
    /// # Errors
    /// Where the predecessor serves on, and so this process must not.
    pub async fn occupy(self, sockets: Sockets) -> Result<Offer, HandoverError> {
        if let Some(predecessor) = self.predecessor {
            retire(predecessor, ANSWER).await?;
        }
        let offer = Offer::new(self.listener, sockets);
        offer.map_err(HandoverError::Connection)
    }
}

/// Returns when the predecessor retires, or is no more.
async fn retire(mut predecessor: Channel, limit: Duration) -> Result<(), HandoverError> {
    let answer = timeout(limit, async {
        match predecessor.send(&Message::Serving).await {
            // What it said before it closed the connection can still be read.
            Ok(()) | Err(HandoverError::Gone) => predecessor.receive().await,
            Err(error) => Err(error),
        }
    });
    let answer = match answer.await {
        Ok(answer) => answer,
        // It may say so at this very moment, so that nobody would serve if we left.
        Err(_) => predecessor.last_message().await.map_err(|_| HandoverError::Silent),
    };
    match answer {
        Ok(Message::Retiring) => Ok(()),
        Ok(Message::Staying) => Err(HandoverError::TooLate),
        Ok(_) => Err(HandoverError::Malformed),
        Err(HandoverError::Gone) => {
            tracing::info!("the old process has ended before its successor was ready");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
