//! Where a server is and how it is reached: its address, and for TLS whom to believe there.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use http::{
    HeaderValue,
    uri::{Authority, Scheme},
};
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};

use super::address::{ClearAddr, Protocol, TlsAddr};
use crate::{
    io::Socket,
    tls::{Fingerprint, TlsError, UpstreamTls},
};

/// One server, ready to be connected to. Two are equal if a connection to the one may be used for
/// the other. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Without TLS.
    Clear(ClearAddr),
    /// Through TLS.
    Tls(TlsAddr, Trust),
}

/// Whom servers behind TLS must be, for one upstream. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Trust(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tls: UpstreamTls,
    /// `None`: the host of each server's address.
    name: Option<ServerName<'static>>,
    ca: Option<CaFile>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CaFile {
    path: PathBuf,
    /// As it was read.
    fingerprint: Fingerprint,
}

/// Why a server that was reached is not used.
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("TLS failed: see that `tls` of the upstream names the server's CA and its host name")]
    Tls(#[source] io::Error),
    #[error("the server did not choose HTTP/2 by ALPN: write https:// for HTTP/1.1")]
    NotHttp2,
}

impl Trust {
    /// Servers' certificates must come from a CA in `ca_file` (PEM), or from one of the system's,
    /// and be good for `name`, or for the host of the server's address. Blocks while it reads.
    ///
    /// # Errors
    /// The file is bad, or the system has no CA.
    pub fn load(
        ca_file: Option<&Path>,
        name: Option<ServerName<'static>>,
    ) -> Result<Self, TlsError> {
        // The file is read twice; should it change in between, the next look finds that out.
        let ca = ca_file.map(|it| CaFile { path: it.to_owned(), fingerprint: Fingerprint::of(it) });
        Ok(Self(Arc::new(Inner { tls: UpstreamTls::new(ca_file)?, name, ca })))
    }

    fn is_outdated(&self) -> bool {
        self.0.ca.as_ref().is_some_and(|it| Fingerprint::of(&it.path) != it.fingerprint)
    }

    /// What makes two of them alike.
    fn identity(&self) -> (Option<&CaFile>, Option<&ServerName<'static>>) {
        (self.0.ca.as_ref(), self.0.name.as_ref())
    }
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.identity() == other.identity()
    }
}

impl Eq for Trust {}

impl std::hash::Hash for Trust {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Endpoint {
    /// Opens a connection, TLS included.
    ///
    /// # Errors
    /// What the operating system said: refused, unreachable, no such name, no such socket; or what
    /// is wrong with the server's certificate, or that it does not speak HTTP/2.
    pub async fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Clear(ClearAddr::Tcp(authority, _)) => tcp(authority).await.map(Socket::Tcp),
            Self::Clear(ClearAddr::Unix(path)) => {
                UnixStream::connect(path.as_path()).await.map(Socket::Unix)
            }
            Self::Tls(address, trust) => tls(address, trust).await,
        }
    }

    /// What is spoken there.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Clear(ClearAddr::Tcp(_, protocol)) => *protocol,
            Self::Clear(ClearAddr::Unix(_)) => Protocol::Http1,
            Self::Tls(address, _) => address.protocol,
        }
    }

    /// Whether a file that it depends on says something else by now. Blocks while it reads.
    pub fn is_outdated(&self) -> bool {
        matches!(self, Self::Tls(_, trust) if trust.is_outdated())
    }

    /// `https` through TLS.
    pub fn scheme(&self) -> Scheme {
        if matches!(self, Self::Tls(..)) { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// What its `Host` field says where a client has said nothing.
    pub fn host(&self) -> HeaderValue {
        let host = match self {
            Self::Clear(ClearAddr::Tcp(authority, _)) | Self::Tls(TlsAddr { authority, .. }, _) => {
                HeaderValue::try_from(authority.as_str()).ok()
            }
            Self::Clear(ClearAddr::Unix(_)) => None,
        };
        host.unwrap_or(HeaderValue::from_static("localhost"))
    }
}

async fn tcp(authority: &Authority) -> io::Result<TcpStream> {
    let port = authority.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((bare_host(authority), port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn tls(address: &TlsAddr, trust: &Trust) -> io::Result<Socket> {
    let Inner { tls, name, .. } = &*trust.0;
    let name = match name {
        Some(name) => name.clone(),
        None => ServerName::try_from(bare_host(&address.authority).to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
    };
    let stream = tcp(&address.authority).await?;
    let connector = match address.protocol {
        Protocol::Http1 => tls.http1(),
        Protocol::Http2 => tls.http2(),
    };
    let stream = connector.connect(name, stream).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => io::Error::other(HandshakeError::Tls(error)),
        _ => error,
    })?;
    if address.protocol == Protocol::Http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(io::Error::other(HandshakeError::NotHttp2));
    }
    Ok(Socket::Wrapped(Box::new(stream)))
}

/// A host without the brackets of an IPv6 address.
fn bare_host(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}

impl From<ClearAddr> for Endpoint {
    fn from(address: ClearAddr) -> Self {
        Self::Clear(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(address) => address.fmt(f),
            Self::Tls(address, _) => address.fmt(f),
        }
    }
}
