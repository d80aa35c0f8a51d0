//! A buyer's connection, byte for byte.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use socket2::SockRef;

use crate::banyan::PATIENCE;

/// Connects, and sends this as far as the other side takes it.
pub(crate) fn send(address: SocketAddr, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // What it means that it is not taken is for the reader to find out.
    let _ = stream.write_all(bytes.as_bytes());
    stream
}

/// Everything up to the end of the connection, which must come.
pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            panic!("the connection stays open after {:?}", String::from_utf8_lossy(&bytes))
        }
        // A reset ends it too.
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// One request on a connection of its own; all that comes back.
pub(crate) fn once(address: SocketAddr, request: &str) -> String {
    rest(&mut send(address, request))
}

/// A GET after which the connection ends.
pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
}

/// An answer's status; 0 where there is none.
pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|it| it.get(..3));
    status.and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Reads until this has come.
pub(crate) fn read_until(stream: &mut TcpStream, mark: &str) {
    let (mut seen, mut byte) = (String::new(), [0]);
    while !seen.ends_with(mark) {
        match stream.read(&mut byte) {
            Ok(1) => seen.push(byte[0].into()),
            Ok(_) => panic!("closed after {seen:?}"),
            Err(error) => panic!("{error} after {seen:?}"),
        }
    }
}

/// Ends the connection with a reset, as the kernel of a killed process may.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}
