//! The PROXY protocol, versions 1 and 2: who the client is, said by the load balancer in front.
//!
//! Source: `https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt`. The crates that read it
//! accept more than it says (a port of `+80`, `PROXYxTCP4`, lines beyond 107 bytes) or refuse what it
//! demands (`LOCAL` with whatever family); who the client is should not depend on leniency.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line of version 1, its CRLF included.
const LINE_LIMIT: usize = 107;
/// The longest header of version 2 that is read, extensions included.
const BLOCK_LIMIT: usize = 4096;

const PREFIX: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version and command, family, and the length of what follows.
const BLOCK_HEAD: usize = 16;

/// A header that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The client. `None`: the sender speaks for itself (`LOCAL`, a health check), or its client has
    /// no address that is known here (`UNKNOWN`, `UNSPEC`, a Unix socket); take the peer's.
    pub source: Option<SocketAddr>,
    /// How many bytes the header has.
    pub length: usize,
}

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProxyProtocolError {
    /// It does not begin with a header of either version.
    #[error(
        "no PROXY protocol header: switch it on in the load balancer, or off for this listener"
    )]
    Missing,
    /// A header that the specification does not allow.
    #[error("a malformed PROXY protocol header, {0}: look at what the load balancer sends")]
    Malformed(&'static str),
    /// A header of version 2 that is longer than 4 KiB.
    #[error("a PROXY protocol header of {0} bytes: send fewer extensions, 4096 bytes are read")]
    TooLong(usize),
    /// The connection ended before its first byte, as a load balancer's plain TCP check does.
    #[error("closed before a PROXY protocol header: only a health check should do so")]
    Closed,
    /// The connection ended within the header.
    #[error("closed within the PROXY protocol header: look at what the load balancer sends")]
    Truncated,
    /// The connection failed.
    #[error("reading the PROXY protocol header failed: look at the network in front")]
    Read(#[source] io::Error),
}

/// Reads the header that a connection must begin with: the client, and what was read beyond the
/// header. At most 107 bytes are read, or as many as a longer header of version 2 has. How long it
/// may take is the caller's to say.
///
/// # Errors
/// [`ProxyProtocolError`], as soon as what has come cannot become a header; the connection must be
/// closed then, without an answer.
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Option<SocketAddr>, Bytes), ProxyProtocolError> {
    let mut buffer = BytesMut::with_capacity(LINE_LIMIT);
    loop {
        if let Some(header) = parse(&buffer)? {
            return Ok((header.source, buffer.split_off(header.length).freeze()));
        }
        let limit = block_length(&buffer).unwrap_or_default().max(LINE_LIMIT);
        let room = limit.saturating_sub(buffer.len());
        let read = stream.read_buf(&mut (&mut buffer).limit(room)).await;
        if read.map_err(ProxyProtocolError::Read)? == 0 {
            return Err(if buffer.is_empty() {
                ProxyProtocolError::Closed
            } else {
                ProxyProtocolError::Truncated
            });
        }
    }
}

/// Looks for a header at the beginning of `bytes`. `None`: more bytes are needed.
///
/// Extensions (TLVs) are passed over unread.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, ProxyProtocolError> {
    if begins(bytes, PREFIX) {
        parse_line(bytes)
    } else if begins(bytes, SIGNATURE) {
        parse_block(bytes)
    } else {
        Err(ProxyProtocolError::Missing)
    }
}

/// Whether `bytes`, as far as they have come, are the beginning of `expected` or begin with it.
fn begins(bytes: &[u8], expected: &[u8]) -> bool {
    let common = bytes.len().min(expected.len());
    bytes[..common] == expected[..common]
}

/// Version 1.
fn parse_line(bytes: &[u8]) -> Result<Option<Header>, ProxyProtocolError> {
    let within = &bytes[..bytes.len().min(LINE_LIMIT)];
    let Some(end) = within.windows(2).position(|it| it == b"\r\n") else {
        return if within.len() < LINE_LIMIT {
            Ok(None)
        } else {
            malformed("a line without an end")
        };
    };
    let line = &within[PREFIX.len()..end];
    let mut words = line.split(|it| *it == b' ');
    let source = match words.next() {
        Some(b"UNKNOWN") => None, // "the receiver must ignore anything presented before the CRLF"
        Some(b"TCP4") => Some(source::<Ipv4Addr>(words)?),
        Some(b"TCP6") => Some(source::<Ipv6Addr>(words)?),
        _ => return malformed("neither TCP4 nor TCP6 nor UNKNOWN"),
    };
    Ok(Some(Header { source, length: end + 2 }))
}

/// The client in `source destination source-port destination-port`.
fn source<'a, T: std::str::FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a [u8]>,
) -> Result<SocketAddr, ProxyProtocolError> {
    let mut next = || str::from_utf8(words.next()?).ok();
    let mut address = || next()?.parse::<T>().ok();
    let (source, destination) = (address(), address());
    let (source_port, destination_port) = (next().and_then(port), next().and_then(port));
    if words.next().is_some() {
        return malformed("more than two addresses and two ports");
    }
    match (source, destination, source_port, destination_port) {
        (Some(source), Some(_), Some(port), Some(_)) => Ok(client(source.into(), port)),
        (_, _, Some(_), Some(_)) => malformed("addresses that are not of the family"),
        _ => malformed("ports that are not numbers up to 65535"),
    }
}

/// "In decimal", "heading zeroes are not permitted".
fn port(text: &str) -> Option<u16> {
    let plain =
        text.bytes().all(|it| it.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// Version 2.
fn parse_block(bytes: &[u8]) -> Result<Option<Header>, ProxyProtocolError> {
    let (Some(length), Some(&[command, family])) = (block_length(bytes), bytes.get(12..14)) else {
        return Ok(None);
    };
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        0x22..=0x2f => return malformed("neither LOCAL nor PROXY"),
        _ => return malformed("neither version 1 nor 2"),
    };
    if length > BLOCK_LIMIT {
        return Err(ProxyProtocolError::TooLong(length));
    }
    let Some(payload) = bytes.get(BLOCK_HEAD..length) else { return Ok(None) };
    let source = if is_local { None } else { block_source(family, payload)? };
    Ok(Some(Header { source, length }))
}

/// What a header of version 2 says of its whole length, once that much has come.
fn block_length(bytes: &[u8]) -> Option<usize> {
    let &[high, low] = bytes.strip_prefix(SIGNATURE)?.get(2..4)? else { return None };
    Some(BLOCK_HEAD + usize::from(u16::from_be_bytes([high, low])))
}

fn block_source(family: u8, payload: &[u8]) -> Result<Option<SocketAddr>, ProxyProtocolError> {
    match (family, payload) {
        (0x00, _) => Ok(None),
        (0x11, [a, b, c, d, _, _, _, _, high, low, _, _, ..]) => {
            let port = u16::from_be_bytes([*high, *low]);
            Ok(Some(client(Ipv4Addr::new(*a, *b, *c, *d).into(), port)))
        }
        (0x21, payload) if payload.len() >= 36 => {
            let mut address = [0; 16];
            address.copy_from_slice(&payload[..16]);
            let port = u16::from_be_bytes([payload[32], payload[33]]);
            Ok(Some(client(Ipv6Addr::from(address).into(), port)))
        }
        (0x31, payload) if payload.len() >= 216 => Ok(None),
        (0x11 | 0x21 | 0x31, _) => malformed("shorter than its addresses"),
        _ => malformed("neither TCP nor a Unix socket"),
    }
}

/// An IPv4 client is one, also where it is written within IPv6.
fn client(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.to_canonical(), port)
}

fn malformed<T>(why: &'static str) -> Result<T, ProxyProtocolError> {
    Err(ProxyProtocolError::Malformed(why))
}

#[cfg(test)]
mod tests;
