//! Opening: one socket per worker thread on a TCP address, so that no lock and no wake-up is shared
//! between them, and one for a socket file, which the kernel cannot split.

use std::{
    fs::{self, File, Permissions},
    io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixListener,
    },
    path::Path,
};

use rustix::fs::{FlockOperation, Mode, fchmod, flock};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Connections that the kernel holds while all workers are busy; also bounded by `somaxconn`.
const BACKLOG: i32 = 4096;

/// The mode of a socket file that buyers come through. Whoever reaches the file may connect, as
/// with nginx: the proxy in front of us is another user, and who is kept out is the directory's
/// to say.
pub const PUBLIC: u32 = 0o666;
/// The mode of a socket file for our own user.
pub const PRIVATE: u32 = 0o600;

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

/// Opens a socket file with this `mode`, whatever the umask. The file of a process that has ended
/// is replaced. Nothing removes the file in the end: a successor may stand behind it by then.
///
/// # Errors
/// `AddrInUse` when somebody answers there, `AlreadyExists` when it is a file of another kind.
pub fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    // Between finding a file stale and replacing it, nobody else may do the same: the lock is on
    // the directory, so that no file of its own stays behind.
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let lock = File::open(directory.unwrap_or(Path::new(".")))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    remove_stale(path)?;
    let socket = unix_socket()?;
    // The file is made with the socket's own mode, less the umask: never open too wide.
    fchmod(&socket, Mode::from_raw_mode(mode))?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn remove_stale(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{AddrInUse, AlreadyExists, ConnectionRefused, NotFound, WouldBlock};
    match unix_socket()?.connect(&SockAddr::unix(path)?) {
        Ok(()) => Err(AddrInUse.into()),
        // Its queue is full: there is somebody, and he is busy.
        Err(error) if error.kind() == WouldBlock => Err(AddrInUse.into()),
        Err(error) if error.kind() == NotFound => Ok(()),
        Err(error) if error.kind() == ConnectionRefused => {
            let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
            if is_socket { fs::remove_file(path) } else { Err(AlreadyExists.into()) }
        }
        Err(error) => Err(error),
    }
}

fn unix_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use rustix::process::umask;

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

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_socket_file_has_the_mode_that_was_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let (public, private) = (directory.path().join("public"), directory.path().join("private"));
        let before = umask(Mode::from_raw_mode(0o027));
        let listeners =
            (bind_unix(&public, PUBLIC).unwrap(), bind_unix(&private, PRIVATE).unwrap());
        umask(before);
        assert_eq!(mode(&public), 0o666);
        assert_eq!(mode(&private), 0o600);
        assert_eq!(listeners.0.local_addr().unwrap().as_pathname(), Some(public.as_path()));
    }

    #[test]
    fn a_socket_file_is_replaced_only_when_nobody_answers() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let alive = bind_unix(&path, PUBLIC).unwrap();
        assert_eq!(bind_unix(&path, PUBLIC).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(alive);
        let second = bind_unix(&path, PUBLIC).unwrap();
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        second.accept().unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert_eq!(bind_unix(&path, PUBLIC).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }
}
