//! The sockets that a process listens on: taken over from the one that runs, passed by systemd, or
//! opened; and kept for the one that comes next.

use std::{io, net::SocketAddr};

use crate::{
    config::Serve,
    handover::{self, Offer, Seat, Sockets},
    listener::{self, Address},
    server::StartError,
};

/// The sockets that are listened on: taken over from another process, or opened.
pub(crate) struct Listening {
    found: Sockets,
    kept: Sockets,
    seat: Option<Seat>,
}

impl Listening {
    /// Asks the process that runs for its sockets, or systemd.
    pub(crate) async fn take(settings: &Serve) -> Result<Self, StartError> {
        let mut wanted: Vec<_> = settings.listen.iter().map(|it| it.address.clone()).collect();
        wanted.push(Address::Tcp(settings.admin));
        let (mut found, mut seat) = (Sockets::default(), None);
        if let Some(path) = &settings.upgrade_socket {
            let inheritance = handover::take(path).await.map_err(StartError::Handover)?;
            (found, seat) = (inheritance.sockets, Some(inheritance.seat));
        }
        if found.is_empty() {
            found = Sockets::from_systemd(&wanted).map_err(StartError::Systemd)?;
        }
        Ok(Self { found, kept: Sockets::default(), seat })
    }

    /// One list of sockets for each worker, and where they really listen.
    pub(crate) fn open(
        &mut self,
        address: &Address,
        workers: usize,
    ) -> Result<(Address, Vec<Vec<listener::Socket>>), StartError> {
        let failed = |error| StartError::Listen(address.clone(), error);
        let bound = self.found.open(address, workers).map_err(failed)?;
        let hands = bound.deal(workers).map_err(failed)?;
        let real = bound.address().clone();
        self.kept.push(bound);
        Ok((real, hands))
    }

    /// The admin listener's socket.
    pub(crate) fn admin(
        &mut self,
        address: SocketAddr,
    ) -> Result<std::net::TcpListener, StartError> {
        let (_, hands) = self.open(&Address::Tcp(address), 1)?;
        let socket = hands.into_iter().flatten().find_map(|it| match it {
            listener::Socket::Tcp(socket) => Some(socket),
            listener::Socket::Unix(_) => None,
        });
        let none = || StartError::Listen(Address::Tcp(address), io::ErrorKind::Unsupported.into());
        socket.ok_or_else(none)
    }

    /// Says that everything is served from here.
    pub(crate) async fn keep(self) -> Result<(Option<Offer>, Option<Sockets>), StartError> {
        let Some(seat) = self.seat else { return Ok((None, Some(self.kept))) };
        let offer = seat.occupy(self.kept).await.map_err(StartError::Handover)?;
        Ok((Some(offer), None))
    }
}
