//! `WebSocket`s as browsers open them: over HTTP/1.1, or as one stream of an HTTP/2 connection
//! (RFC 8441), with or without TLS.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header,
    uri::{Authority, PathAndQuery},
};
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, client::IntoClientRequest as _, protocol::Role},
};

/// How long a server may take to say whether it knows extended CONNECT.
const SETTINGS_WITHIN: Duration = Duration::from_secs(10);

/// Bytes in both directions, over whatever.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open WebSocket.
pub type WebSocket = WebSocketStream<Box<dyn Stream>>;

/// Where `WebSocket`s are opened, and over what.
#[derive(Debug, Clone)]
pub struct Opener {
    /// The server.
    pub address: SocketAddr,
    /// The certificate to believe; without one there is no TLS.
    pub certificate: Option<CertificateDer<'static>>,
    /// Either `HTTP_11` or `HTTP_2`.
    pub version: Version,
}

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The server does not speak the protocol: in TLS it chose another one, or it does not announce
    /// extended CONNECT.
    #[error("the server does not offer this; is it listening for it?")]
    NotOffered,
    /// The server answered, but not with a WebSocket.
    #[error("the server refused with {0}; are the path, Origin and session right?")]
    Refused(StatusCode),
    /// The connection could not be made, or broke.
    #[error("the connection failed; is the server there?")]
    Connection(#[source] io::Error),
    /// What came was no HTTP/2.
    #[error("the HTTP/2 connection failed; does the server speak it?")]
    Http2(#[from] hyper::Error),
    /// What came was no handshake.
    #[error("the WebSocket handshake failed")]
    Handshake(#[source] Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl Opener {
    /// Opens a WebSocket; `fields` are sent beside those that every client sends. Returns the fields
    /// of the answer too.
    ///
    /// # Errors
    /// [`OpenError`].
    ///
    /// # Panics
    /// When a path or a field is malformed: a fault of the test.
    pub async fn open(
        &self,
        path: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Result<(WebSocket, HeaderMap), OpenError> {
        let stream = self.connect().await?;
        if self.version == Version::HTTP_2 {
            self.over_http2(stream, path, fields).await
        } else {
            self.over_http1(stream, path, fields).await
        }
    }

    /// What a page would be loaded from: `https://HOST:PORT`. Also its `Origin`.
    pub fn base(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, OpenError> {
        let stream = TcpStream::connect(self.address).await?;
        let Some(certificate) = &self.certificate else { return Ok(Box::new(stream)) };
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).map_err(io::Error::other)?;
        let mut config =
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let protocol = if self.version == Version::HTTP_2 { &b"h2"[..] } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::IpAddress(self.address.ip().into());
        let stream = connector.connect(name, stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(protocol) {
            return Err(OpenError::NotOffered);
        }
        Ok(Box::new(stream))
    }

    async fn over_http1(
        &self,
        stream: Box<dyn Stream>,
        path: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<(WebSocket, HeaderMap), OpenError> {
        let url = format!("{}{path}", self.base().replacen("http", "ws", 1));
        let mut request = url.into_client_request().map_err(OpenError::Handshake)?;
        add(request.headers_mut(), fields);
        match client_async(request, stream).await {
            Ok((socket, answer)) => Ok((socket, answer.into_parts().0.headers)),
            Err(Error::Http(answer)) => Err(OpenError::Refused(answer.status())),
            Err(error) => Err(OpenError::Handshake(error)),
        }
    }

    async fn over_http2(
        &self,
        stream: Box<dyn Stream>,
        path: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Result<(WebSocket, HeaderMap), OpenError> {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        let announced = async {
            // hyper wakes nobody for it.
            while !connection.is_extended_connect_protocol_enabled() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let announced = tokio::time::timeout(SETTINGS_WITHIN, announced).await;
        announced.map_err(|_| OpenError::NotOffered)?;
        // It ends when the WebSocket and the sender are gone.
        tokio::spawn(connection);
        let answer = sender.send_request(self.extended_connect(path, fields)).await?;
        if answer.status() != StatusCode::OK {
            return Err(OpenError::Refused(answer.status()));
        }
        let answered = answer.headers().clone();
        let stream: Box<dyn Stream> = Box::new(TokioIo::new(hyper::upgrade::on(answer).await?));
        Ok((WebSocketStream::from_raw_socket(stream, Role::Client, None).await, answered))
    }

    #[expect(clippy::expect_used, reason = "faults of the test itself")]
    fn extended_connect(
        &self,
        path: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Request<Empty<Bytes>> {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        let authority = Authority::try_from(self.address.to_string());
        let uri = http::Uri::builder()
            .scheme(scheme)
            .authority(authority.expect("an address is an authority"))
            .path_and_query(PathAndQuery::from_static(path));
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = uri.build().expect("all three parts are there");
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        request.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        add(request.headers_mut(), fields);
        request
    }
}

#[expect(clippy::expect_used, reason = "faults of the test itself")]
fn add(headers: &mut HeaderMap, fields: &[(&'static str, &str)]) {
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).expect("the value of a field");
        headers.append(HeaderName::from_static(name), value);
    }
}
