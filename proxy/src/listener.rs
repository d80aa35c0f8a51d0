//! Listening sockets: one per worker thread on the same address, so that no lock and no wake-up is
//! shared between them.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the kernel holds while all workers are busy; also bounded by `somaxconn`.
const BACKLOG: i32 = 4096;

/// The sockets of one `--listen` address.
#[derive(Debug)]
pub struct Listeners {
    /// The address that is really listened on: its port is known even where 0 was asked for.
    pub address: SocketAddr,
    /// One socket per worker.
    pub sockets: Vec<std::net::TcpListener>,
}

/// Opens `workers` sockets on `address` (`SO_REUSEPORT`: the kernel spreads connections over them).
///
/// # Errors
/// `AddrInUse` also when the other process shares its port: `SO_REUSEPORT` alone would let two
/// proxies split the buyers between them without a word.
pub fn bind(address: SocketAddr, workers: usize) -> io::Result<Listeners> {
    let exclusive = socket(address, false)?;
    let address = exclusive.local_addr()?.as_socket().unwrap_or(address);
    drop(exclusive);
    let sockets = (0..workers)
        .map(|_| {
            let socket = socket(address, true)?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        })
        .collect::<io::Result<_>>()?;
    Ok(Listeners { address, sockets })
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Accepts the next connection. Errors of one connection, or of a process that is out of file
/// descriptors for the moment, do not end the listener.
pub async fn accept(listener: &TcpListener) -> (tokio::net::TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "the connection was gone at once");
                    continue;
                }
                return (stream, peer);
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection: raise the limit of open files");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_gets_a_socket_on_the_same_port() {
        let listeners = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        assert_ne!(listeners.address.port(), 0);
        for socket in &listeners.sockets {
            assert_eq!(socket.local_addr().unwrap(), listeners.address);
        }
    }

    #[test]
    fn a_second_proxy_on_the_same_address_is_refused() {
        let first = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let second = bind(first.address, 1).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }
}
