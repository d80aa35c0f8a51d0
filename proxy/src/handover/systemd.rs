//! Sockets that systemd has opened for us: `systemd.socket(5)`, `sd_listen_fds(3)`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
};

use listenfd::ListenFd;
use socket2::SockRef;

use super::{Bound, Sockets};
use crate::listener::{Address, Socket};

/// Why systemd's sockets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// It is no listening stream socket with an address.
    #[error(
        "socket {0} from systemd is no TCP or Unix socket that listens; the .socket unit needs \
         ListenStream= and Accept=no"
    )]
    Kind(usize, #[source] io::Error),
    /// No setting names its address: it would be open, and nobody would answer.
    #[error(
        "systemd listens on {0}, which no --listen and no --admin names; make the .socket unit \
         and the settings agree"
    )]
    Unwanted(Address),
}

impl Sockets {
    /// The sockets of systemd's socket activation; none where it has passed none. Each goes to the
    /// one of the `wanted` addresses that it listens on, never by its place in the unit: lines in
    /// another order would open the admin pages to the world.
    ///
    /// `[::]` counts as `0.0.0.0` where it receives IPv4 too: `ListenStream=80` is that.
    ///
    /// # Errors
    /// Every [`SystemdError`]. To be called once: the variables are removed from the environment.
    pub fn from_systemd(wanted: &[Address]) -> Result<Self, SystemdError> {
        let mut passed = passed()?;
        let mut sockets = Self::default();
        for address in wanted {
            let (here, elsewhere): (Vec<_>, _) =
                passed.into_iter().partition(|it| it.is_at(address));
            passed = elsewhere;
            if let Some(index) = here.first().map(|it| it.index) {
                let here = here.into_iter().map(|it| it.socket).collect();
                let bound = Bound::new(address.clone(), here);
                sockets.push(bound.map_err(|error| SystemdError::Kind(index, error))?);
            }
        }
        passed.pop().map_or(Ok(sockets), |it| Err(SystemdError::Unwanted(it.address)))
    }
}

/// One of systemd's sockets.
struct Passed {
    /// Its place in the unit, from 0.
    index: usize,
    address: Address,
    socket: Socket,
}

fn passed() -> Result<Vec<Passed>, SystemdError> {
    let mut fds = ListenFd::from_env();
    let passed = (0..fds.len()).map(|index| {
        let socket = socket(&mut fds, index)?;
        Ok(Passed { index, address: socket.address()?, socket })
    });
    let passed = (0..).zip(passed);
    passed.map(|(index, it)| it.map_err(|error| SystemdError::Kind(index, error))).collect()
}

fn socket(fds: &mut ListenFd, index: usize) -> io::Result<Socket> {
    let fd: Option<OwnedFd> = match fds.take_tcp_listener(index) {
        Ok(socket) => socket.map(Into::into),
        Err(_) => fds.take_unix_listener(index)?.map(Into::into),
    };
    Socket::try_from(fd.ok_or(io::ErrorKind::NotFound)?)
}

impl Passed {
    fn is_at(&self, wanted: &Address) -> bool {
        let (Address::Tcp(at), Address::Tcp(wanted)) = (&self.address, wanted) else {
            return self.address == *wanted;
        };
        let every_v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), at.port());
        at == wanted
            || at.ip() == Ipv6Addr::UNSPECIFIED
                && *wanted == every_v4
                && matches!(SockRef::from(&self.socket).only_v6(), Ok(false))
    }
}
