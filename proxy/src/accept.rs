//! From an accepted connection to the protocol that is spoken on it: PROXY header, TLS, HTTP/2 or
//! HTTP/1.1.

use std::{io, net::SocketAddr, time::Duration};

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsAcceptor;

use crate::{
    config::Scheme,
    error::Chain,
    io::{Rewound, Socket},
    proxy_protocol,
    tls::Certificates,
};

/// What a client sends first that speaks HTTP/2 by prior knowledge (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken on a listener.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Inside or without TLS.
    pub scheme: Scheme,
    /// Every connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
    /// For `https://` listeners.
    pub certificates: Option<Certificates>,
}

/// A connection that is ready to be served.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub socket: Socket,
    /// What was read from it to find out what it speaks.
    pub already: BytesMut,
    /// Who the client is, if somebody in front has said so.
    pub client: Option<SocketAddr>,
    /// The client speaks HTTP/2.
    pub h2: bool,
    /// It came through TLS.
    pub tls: bool,
}

/// Why a connection is not served. None of it is our fault.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The load balancer's header is missing or malformed.
    #[error("the PROXY protocol header")]
    ProxyProtocol(#[from] proxy_protocol::ProxyProtocolError),
    /// The TLS handshake failed, or the connection broke.
    #[error("the TLS handshake")]
    Handshake(#[source] io::Error),
    /// The first bytes could not be read.
    #[error("the first bytes")]
    Read(#[source] io::Error),
    /// It took too long.
    #[error("the handshake took longer than {0:?}")]
    Timeout(Duration),
}

/// Finds out what is spoken, within `limit`.
///
/// # Errors
/// [`AcceptError`]; the connection is closed then, without an answer.
pub async fn accepted(
    socket: Socket,
    kind: &Kind,
    limit: Duration,
) -> Result<Accepted, AcceptError> {
    let accepted = tokio::time::timeout(limit, Box::pin(negotiated(socket, kind))).await;
    accepted.unwrap_or(Err(AcceptError::Timeout(limit)))
}

/// Whether a connection of this kind can be served as it is.
pub const fn is_plain(kind: &Kind) -> bool {
    matches!(kind.scheme, Scheme::Http) && !kind.proxy_protocol
}

async fn negotiated(mut socket: Socket, kind: &Kind) -> Result<Accepted, AcceptError> {
    let (mut client, mut already) = (None, BytesMut::new());
    if kind.proxy_protocol {
        let (source, rest) = proxy_protocol::read(&mut socket).await?;
        (client, already) = (source, BytesMut::from(rest));
    }
    match (kind.scheme, &kind.certificates) {
        (Scheme::Https, Some(certificates)) => {
            let acceptor = TlsAcceptor::from(certificates.config());
            let stream = acceptor.accept(Rewound::new(socket, already)).await;
            let stream = stream.map_err(AcceptError::Handshake)?;
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let (socket, already) = (Socket::Wrapped(Box::new(stream)), BytesMut::new());
            Ok(Accepted { socket, already, client, h2, tls: true })
        }
        (Scheme::H2c, _) => {
            let h2 = begins_with_preface(&mut socket, &mut already).await;
            let h2 = h2.map_err(AcceptError::Read)?;
            Ok(Accepted { socket, already, client, h2, tls: false })
        }
        _ => Ok(Accepted { socket, already, client, h2: false, tls: false }),
    }
}

/// Reads until it is certain whether this is HTTP/2's preface.
async fn begins_with_preface(socket: &mut Socket, already: &mut BytesMut) -> io::Result<bool> {
    loop {
        let length = already.len().min(PREFACE.len());
        if already[..length] != PREFACE[..length] {
            return Ok(false);
        }
        if length == PREFACE.len() {
            return Ok(true);
        }
        if socket.read_buf(already).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Says why a connection was not served, to those who want to know.
pub fn log(error: &AcceptError) {
    tracing::debug!(error = %Chain(error), "connection not served");
}
