//! The listening sockets of a process, address by address: taken over where there are any, opened
//! where there are none, and dealt out to the workers.

use std::io;

use crate::listener::{self, Address, PUBLIC, Socket};

/// Listening sockets by address. Those that nobody asks for are closed when this is dropped.
#[derive(Debug, Default)]
pub struct Sockets(Vec<Bound>);

impl Sockets {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an address with its sockets.
    pub fn push(&mut self, bound: Bound) {
        self.0.push(bound);
    }

    /// Takes all sockets of `address` out, or opens them where there are none: `workers` on a port,
    /// one on a socket file.
    ///
    /// # Errors
    /// `AddrInUse` when another process listens there that has handed nothing over.
    pub fn open(&mut self, address: &Address, workers: usize) -> io::Result<Bound> {
        if let Some(at) = self.0.iter().position(|it| it.is_for(address)) {
            return Ok(self.0.remove(at));
        }
        let sockets = match address {
            Address::Tcp(port) => {
                let opened = listener::bind(*port, workers)?;
                opened.sockets.into_iter().map(Socket::Tcp).collect()
            }
            Address::Unix(path) => vec![Socket::Unix(listener::bind_unix(path, PUBLIC)?)],
        };
        Bound::new(address.clone(), sockets)
    }

    /// In the order in which they were added.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Bound> {
        self.0.iter()
    }
}

impl FromIterator<Bound> for Sockets {
    fn from_iter<I: IntoIterator<Item = Bound>>(bound: I) -> Self {
        Self(bound.into_iter().collect())
    }
}

/// All sockets of one address, never none. To be kept for the successor, while the workers accept
/// from clones: a connection that waits in a socket is reset when its last handle is closed.
#[derive(Debug)]
pub struct Bound {
    asked: Address,
    real: Address,
    sockets: Vec<Socket>,
}

impl Bound {
    /// Takes `sockets` for what listens at `asked`, the address as the settings have it.
    ///
    /// # Errors
    /// `InvalidInput` when there is no socket, or when they do not listen on one and the same
    /// address.
    pub(super) fn new(asked: Address, sockets: Vec<Socket>) -> io::Result<Self> {
        let first = sockets.first().ok_or(io::ErrorKind::InvalidInput)?;
        let real = first.address()?;
        for socket in &sockets {
            if socket.address()? != real {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
        Ok(Self { asked, real, sockets })
    }

    /// Where buyers can connect: the port is known even where 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.real
    }

    /// One list of handles for each of `workers`, which must accept from all of them. Every socket
    /// gets a worker, or its queue would never be emptied: with more sockets than workers some
    /// serve several, with fewer several share one.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn deal(&self, workers: usize) -> io::Result<Vec<Vec<Socket>>> {
        let mut hands: Vec<Vec<Socket>> = (0..workers).map(|_| Vec::new()).collect();
        let handles = if workers == 0 { 0 } else { workers.max(self.sockets.len()) };
        let sockets = self.sockets.iter().cycle().take(handles);
        for (socket, worker) in sockets.zip((0..workers).cycle()) {
            hands[worker].push(socket.try_clone()?);
        }
        Ok(hands)
    }

    /// The address as the settings had it when the sockets were opened.
    pub(super) fn asked(&self) -> &Address {
        &self.asked
    }

    pub(super) fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    fn is_for(&self, address: &Address) -> bool {
        [&self.asked, &self.real].contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> Address {
        "127.0.0.1:0".parse().unwrap()
    }

    /// The number of handles that each worker gets.
    fn dealt(bound: &Bound, workers: usize) -> Vec<usize> {
        bound.deal(workers).unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn every_socket_gets_a_worker_and_every_worker_a_socket() {
        let bound = Sockets::default().open(&any_port(), 3).unwrap();
        assert_eq!(dealt(&bound, 1), [3]);
        assert_eq!(dealt(&bound, 2), [2, 1]);
        assert_eq!(dealt(&bound, 3), [1, 1, 1]);
        assert_eq!(dealt(&bound, 5), [1, 1, 1, 1, 1]);
        assert!(dealt(&bound, 0).is_empty());
    }

    #[test]
    fn a_socket_file_is_shared_by_all_workers() {
        let directory = tempfile::tempdir().unwrap();
        let address = Address::Unix(directory.path().join("socket"));
        let bound = Sockets::default().open(&address, 3).unwrap();
        assert_eq!(*bound.address(), address);
        assert_eq!(dealt(&bound, 3), [1, 1, 1]);
    }

    #[test]
    fn what_is_there_is_found_by_both_its_names_and_only_once() {
        let bound = Sockets::default().open(&any_port(), 2).unwrap();
        let real = bound.address().clone();
        let mut sockets = Sockets::from_iter([bound]);
        let by_asked = sockets.open(&any_port(), 9).unwrap();
        assert_eq!((by_asked.address(), by_asked.sockets.len()), (&real, 2));
        assert_ne!(*sockets.open(&any_port(), 1).unwrap().address(), real);

        sockets.push(by_asked);
        assert_eq!(*sockets.open(&real, 9).unwrap().address(), real);
        assert!(sockets.is_empty());
    }

    #[test]
    fn sockets_of_different_addresses_are_not_one_address() {
        let open = || Sockets::default().open(&any_port(), 1).unwrap().sockets;
        let two = open().into_iter().chain(open()).collect();
        assert!(Bound::new(any_port(), two).is_err());
        assert!(Bound::new(any_port(), Vec::new()).is_err());
    }
}
