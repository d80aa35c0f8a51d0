//! From an accepted connection to the protocol that is spoken on it: PROXY header, TLS, HTTP/2 or
//! HTTP/1.1.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use rustls::InvalidMessage;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsAcceptor;

use crate::{
    config::Scheme,
    error::Chain,
    io::{ReadHalf, Reader, Socket, WriteHalf, joined},
    proxy_protocol,
    tls::{Certificates, Shown},
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
    /// What comes in; it holds what was read to find out what is spoken.
    pub reader: Reader,
    /// What goes out.
    pub write: WriteHalf,
    /// Who the client is, if somebody in front has said so.
    pub client: Option<SocketAddr>,
    /// The client speaks HTTP/2.
    pub h2: bool,
    /// It came through TLS.
    pub tls: bool,
    /// The certificate that its client was shown, if it asked for one by name.
    pub shown: Option<Arc<Shown>>,
}

/// Why a connection is not served. None of it is our fault.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The load balancer's header is missing or malformed.
    #[error("the PROXY protocol header")]
    ProxyProtocol(#[from] proxy_protocol::ProxyProtocolError),
    /// What came is not TLS.
    #[error("no TLS came to an https:// listener: let the client speak TLS, or listen on http://")]
    Cleartext(#[source] io::Error),
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

impl Kind {
    /// Whether its connections can be served as they are.
    pub const fn is_plain(&self) -> bool {
        matches!(self.scheme, Scheme::Http) && !self.proxy_protocol
    }
}

impl Accepted {
    /// HTTP/1.1 without TLS, from whoever has connected.
    pub fn plain(socket: Socket) -> Self {
        let (read, write) = socket.split();
        let reader = Reader::new(read, BytesMut::new());
        Self { reader, write, client: None, h2: false, tls: false, shown: None }
    }
}

async fn negotiated(socket: Socket, kind: &Kind) -> Result<Accepted, AcceptError> {
    let (mut read, write) = socket.split();
    let (mut client, mut already) = (None, BytesMut::new());
    if kind.proxy_protocol {
        let (source, rest) = proxy_protocol::read(&mut read).await?;
        (client, already) = (source, BytesMut::from(rest));
    }
    if let (Scheme::Https, Some(certificates)) = (kind.scheme, &kind.certificates) {
        let offer = certificates.offer();
        let acceptor = TlsAcceptor::from(offer.config());
        let stream = acceptor.accept(joined(already, read, write)).await;
        let stream = stream.map_err(handshake_fault)?;
        let session = stream.get_ref().1;
        let h2 = session.alpn_protocol() == Some(b"h2");
        let shown = offer.shown(session.server_name()).map(Arc::new);
        let plain = Accepted::plain(Socket::Wrapped(Box::new(stream)));
        return Ok(Accepted { client, h2, tls: true, shown, ..plain });
    }
    let h2 = kind.scheme == Scheme::H2c
        && begins_with_preface(&mut read, &mut already).await.map_err(AcceptError::Read)?;
    let reader = Reader::new(read, already);
    Ok(Accepted { reader, write, client, h2, tls: false, shown: None })
}

fn handshake_fault(error: io::Error) -> AcceptError {
    let cause = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            AcceptError::Cleartext(error)
        }
        _ => AcceptError::Handshake(error),
    }
}

/// Reads until it is certain whether this is HTTP/2's preface.
async fn begins_with_preface(read: &mut ReadHalf, already: &mut BytesMut) -> io::Result<bool> {
    loop {
        let length = already.len().min(PREFACE.len());
        if already[..length] != PREFACE[..length] {
            return Ok(false);
        }
        if length == PREFACE.len() {
            return Ok(true);
        }
        if read.read_buf(already).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Says why a connection was not served, to those who want to know.
pub fn log(error: &AcceptError) {
    tracing::debug!(error = %Chain(error), "connection not served");
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::{
        io::AsyncWriteExt as _,
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::tls::{PairFiles, Settings};

    /// What becomes of a client that sends `bytes` to an `https://` listener.
    async fn refused(bytes: &[u8]) -> AcceptError {
        let directory = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
        let (cert, key) = (directory.path().join("cert"), directory.path().join("key"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let settings = Settings { pairs: vec![PairFiles { cert, key }], client_auth: None };
        let kind = Kind {
            scheme: Scheme::Https,
            proxy_protocol: false,
            certificates: Some(Certificates::load(settings).unwrap()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(bytes).await.unwrap();
        let socket = Socket::Tcp(listener.accept().await.unwrap().0);
        accepted(socket, &kind, Duration::from_millis(200)).await.unwrap_err()
    }

    #[tokio::test]
    async fn the_log_says_who_spoke_no_tls_and_who_said_nothing() {
        let said = |error| Chain(&error).to_string();
        let cleartext = said(refused(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").await);
        assert!(cleartext.contains("https://") && cleartext.contains("http://"), "{cleartext}");
        let garbage = said(refused(b"\x16\x03\x01\0\x05hello").await);
        assert!(garbage.starts_with("the TLS handshake: "), "{garbage}");
        assert!(said(refused(b"\x16").await).contains("200ms"));
    }
}
