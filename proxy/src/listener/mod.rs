//! Listening sockets: where they are, how they are opened, and how connections come out of them.

mod open;

use std::{
    fmt,
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    str::FromStr,
    task::{Context, Poll},
};

use socket2::{Domain, SockRef};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

pub use open::{Listeners, PRIVATE, PUBLIC, bind, bind_unix};

/// Where to listen: `127.0.0.1:8080`, `[::1]:8080` or `unix:///run/banyan.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP port; 0 stands for any free one.
    Tcp(SocketAddr),
    /// A socket file, by its absolute path.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix://") {
            let is_file = path.starts_with('/') && !path.ends_with('/');
            return is_file
                .then(|| Self::Unix(path.into()))
                .ok_or_else(|| "must be unix:///PATH with an absolute path of a file".to_owned());
        }
        let must = "must be ADDRESS:PORT with a numeric address, such as 0.0.0.0:8080, \
                    or unix:///PATH";
        text.parse().map(Self::Tcp).map_err(|_| must.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// A listening socket that is not yet bound to a runtime; it never blocks.
#[derive(Debug)]
pub enum Socket {
    /// On a port.
    Tcp(std::net::TcpListener),
    /// On a socket file.
    Unix(std::os::unix::net::UnixListener),
}

impl Socket {
    /// Where it really listens.
    ///
    /// # Errors
    /// `Unsupported` for a Unix socket without a file.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(socket) => socket.local_addr().map(Address::Tcp),
            Self::Unix(socket) => {
                let address = socket.local_addr()?;
                let path = address.as_pathname().ok_or(io::ErrorKind::Unsupported)?;
                Ok(Address::Unix(path.to_owned()))
            }
        }
    }

    /// A second handle of the same socket: both accept from one queue.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => socket.try_clone().map(Self::Tcp),
            Self::Unix(socket) => socket.try_clone().map(Self::Unix),
        }
    }
}

/// For sockets that others opened.
impl TryFrom<OwnedFd> for Socket {
    type Error = io::Error;

    /// # Errors
    /// `InvalidInput` for what is no listening socket of a kind that we know.
    fn try_from(fd: OwnedFd) -> io::Result<Self> {
        let socket = SockRef::from(&fd);
        if !socket.is_listener()? {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        socket.set_nonblocking(true)?;
        match socket.domain()? {
            Domain::IPV4 | Domain::IPV6 => Ok(Self::Tcp(fd.into())),
            Domain::UNIX => Ok(Self::Unix(fd.into())),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

/// A listening socket on a runtime.
#[derive(Debug)]
pub enum Listener {
    /// On a port.
    Tcp(TcpListener),
    /// On a socket file.
    Unix(UnixListener),
}

impl Listener {
    /// Brings `socket` onto the runtime that this is called on.
    ///
    /// # Errors
    /// When the runtime's event queue does not take it.
    pub fn on(socket: Socket) -> io::Result<Self> {
        Ok(match socket {
            Socket::Tcp(socket) => Self::Tcp(TcpListener::from_std(socket)?),
            Socket::Unix(socket) => Self::Unix(UnixListener::from_std(socket)?),
        })
    }

    /// The next connection, and who has connected: through a socket file, somebody on this machine.
    pub async fn accept(&self) -> (crate::io::Socket, SocketAddr) {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = accept(listener).await;
                (crate::io::Socket::Tcp(stream), peer)
            }
            Self::Unix(listener) => {
                let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                (crate::io::Socket::Unix(accept_unix(listener).await), here)
            }
        }
    }
}

/// Accepts the next connection. Errors of one connection, or of a process that is out of file
/// descriptors for the moment, do not end the listener.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        let (stream, peer) = accepted(|cx| listener.poll_accept(cx)).await;
        match stream.set_nodelay(true) {
            Ok(()) => return (stream, peer),
            Err(error) => tracing::debug!(%error, "the connection was gone at once"),
        }
    }
}

/// The same for a socket file, whose clients have no address.
pub async fn accept_unix(listener: &UnixListener) -> UnixStream {
    accepted(|cx| listener.poll_accept(cx)).await.0
}

async fn accepted<T>(mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>) -> T {
    loop {
        match poll_fn(&mut accept).await {
            Ok(connection) => return connection,
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
    use std::fs::File;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in ["127.0.0.1:8080", "[::1]:443", "unix:///run/banyan.sock"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in
            ["localhost:80", "8080", "unix://run/banyan.sock", "unix:///run/", "unix://", ""]
        {
            assert!(text.parse::<Address>().unwrap_err().contains("must be"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_as_an_address_is_shown_as_one(text in "(unix:///)?\\PC{0,30}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }

    #[test]
    fn only_a_listening_socket_is_taken_for_one() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connected = std::net::TcpStream::connect(address).unwrap();
        assert!(Socket::try_from(OwnedFd::from(connected)).is_err());
        assert!(Socket::try_from(OwnedFd::from(File::open("/dev/null").unwrap())).is_err());
        let socket = Socket::try_from(OwnedFd::from(listener)).unwrap();
        assert_eq!(socket.address().unwrap(), Address::Tcp(address));
    }

    #[tokio::test]
    async fn a_client_of_a_socket_file_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::from_std(bind_unix(&path, PUBLIC).unwrap()).unwrap();
        let (client, server) = tokio::join!(UnixStream::connect(&path), accept_unix(&listener));
        assert_eq!(client.unwrap().local_addr().unwrap().as_pathname(), None);
        assert_eq!(server.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    }
}
