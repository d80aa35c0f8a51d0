//! The running process's side of a hand-over: it offers its sockets to whoever succeeds it.

use std::{io, os::fd::AsFd as _, time::Duration};

use rustix::process::geteuid;
use tokio::{
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::{
    ANSWER, HandoverError, Sockets,
    wire::{Channel, Listed, Message},
};
use crate::{error::Chain, listener::accept_unix};

/// How long a successor may take to start; then we stop to wait for it.
const START: Duration = Duration::from_mins(2);

/// The sockets of this process, for a successor. It keeps them open, so it must be dropped before
/// a drain that no successor has caused: buyers would connect, and nobody would accept them.
#[derive(Debug)]
pub struct Offer {
    listener: UnixListener,
    sockets: Sockets,
    /// How long a successor may take to start.
    pub(super) patience: Duration,
}

impl Offer {
    pub(super) fn new(
        listener: std::os::unix::net::UnixListener,
        sockets: Sockets,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, sockets, patience: START })
    }

    /// Returns when a successor serves with our sockets: accept no more, and drain. A successor
    /// that fails is logged, and the next one waited for. Its process id comes back, where the
    /// system knows it.
    ///
    /// Dropping this before it returns withdraws the offer: a successor that is about to start
    /// takes us for dead.
    pub async fn taken(self) -> Option<u32> {
        loop {
            let stream = accept_unix(&self.listener).await;
            let successor = process_behind(&stream);
            match self.hand_over(stream).await {
                Ok(()) => return successor,
                Err(error) => {
                    let error = Chain(&error);
                    tracing::warn!(%error, "no successor has taken over: serving on");
                }
            }
        }
    }

    async fn hand_over(&self, stream: UnixStream) -> Result<(), HandoverError> {
        let mut successor = Channel::new(stream, geteuid().as_raw())?;
        match within(ANSWER, self.give(&mut successor)).await {
            Err(HandoverError::Version(theirs)) => {
                // Any message tells it our version.
                within(ANSWER, successor.send(&Message::Staying)).await?;
                return Err(HandoverError::Version(theirs));
            }
            given => given?,
        }
        match timeout(self.patience, successor.receive()).await {
            Ok(Ok(Message::Serving)) => {}
            Ok(Ok(_)) => return Err(HandoverError::Malformed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                within(ANSWER, successor.send(&Message::Staying)).await?;
                return Err(HandoverError::Silent);
            }
        }
        // A successor that has gone, or waits no longer, cannot be told: then we stay.
        within(ANSWER, successor.send(&Message::Retiring)).await
    }

    async fn give(&self, successor: &mut Channel) -> Result<(), HandoverError> {
        if successor.receive().await? != Message::Take {
            return Err(HandoverError::Malformed);
        }
        let mut addresses = Vec::new();
        let mut fds = vec![self.listener.as_fd()];
        for bound in self.sockets.iter() {
            let address = bound.asked().to_string();
            // Never more: workers are counted in 16 bits, and an address has a socket for each.
            let sockets = bound.sockets().len().try_into().unwrap_or(u16::MAX);
            addresses.push(Listed { address, sockets });
            fds.extend(bound.sockets().iter().take(sockets.into()).map(|it| it.as_fd()));
        }
        successor.send(&Message::Sockets { addresses }).await?;
        successor.send_sockets(&fds).await
    }
}

/// Who has connected. In another PID namespace, as in another container, it has no id here.
fn process_behind(stream: &UnixStream) -> Option<u32> {
    let id = stream.peer_cred().ok()?.pid()?;
    u32::try_from(id).ok().filter(|it| *it != 0)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, HandoverError>>,
) -> Result<T, HandoverError> {
    timeout(limit, work).await.unwrap_or(Err(HandoverError::Silent))
}
