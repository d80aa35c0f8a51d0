//! Where a server listens: `http://host:port`, or `unix:///path`.

use std::{fmt, io, path::PathBuf, str::FromStr, sync::Arc};

use http::{HeaderValue, Uri, uri::Authority};
use tokio::net::{TcpStream, UnixStream};

use crate::io::Socket;

/// One server's address. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerAddr {
    /// Cleartext HTTP/1.1 over TCP; the port is always there.
    Tcp(Authority),
    /// Cleartext HTTP/1.1 over a Unix socket, as Puma binds it.
    Unix(Arc<PathBuf>),
}

impl ServerAddr {
    /// Opens a connection.
    ///
    /// # Errors
    /// What the operating system said: refused, unreachable, no such name, no such socket.
    pub async fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(authority) => {
                let host = authority.host().trim_start_matches('[').trim_end_matches(']');
                let port = authority.port_u16().unwrap_or(80);
                let stream = TcpStream::connect((host, port)).await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            Self::Unix(path) => UnixStream::connect(path.as_path()).await.map(Socket::Unix),
        }
    }
}

impl ServerAddr {
    /// What its `Host` field says where a client has said nothing.
    pub fn host(&self) -> HeaderValue {
        let host = match self {
            Self::Tcp(authority) => HeaderValue::try_from(authority.as_str()).ok(),
            Self::Unix(_) => None,
        };
        host.unwrap_or(HeaderValue::from_static("localhost"))
    }
}

impl FromStr for ServerAddr {
    type Err = String;

    /// Parses `http://host[:port]` (port 80 when absent) or `unix:///path/to/socket`.
    fn from_str(text: &str) -> Result<Self, String> {
        let must = "must be `http://HOST:PORT` or `unix:///PATH`";
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') || path.len() < 2 {
                return Err(format!("{must}: a socket's path is absolute"));
            }
            return Ok(Self::Unix(Arc::new(PathBuf::from(path))));
        }
        let uri: Uri = text.parse().map_err(|_| must.to_owned())?;
        if uri.scheme_str() != Some("http") {
            return Err(must.to_owned());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{must}, without a path: requests bring their own"));
        }
        let authority = uri.authority().ok_or(must)?;
        if authority.as_str().contains('@') {
            return Err(format!("{must}, without a user name"));
        }
        match authority.port() {
            Some(_) => Ok(Self::Tcp(authority.clone())),
            None => format!("{}:80", authority.host())
                .parse()
                .map(Self::Tcp)
                .map_err(|_| must.to_owned()),
        }
    }
}

impl fmt::Display for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(authority) => write!(f, "http://{authority}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_an_operator_writes() {
        for (text, shown) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://rails", "http://rails:80"),
            ("http://[::1]:3000/", "http://[::1]:3000"),
            ("unix:///run/shop/puma.sock", "unix:///run/shop/puma.sock"),
        ] {
            assert_eq!(text.parse::<ServerAddr>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_the_rest_and_says_what_it_must_be() {
        for text in [
            "",
            "127.0.0.1:3000",
            "https://rails",
            "http://rails/shop",
            "http://u@rails",
            "unix://puma.sock",
            "unix:///",
            "http://",
            "ftp://rails",
        ] {
            let error = text.parse::<ServerAddr>().unwrap_err();
            assert!(error.starts_with("must be `http://HOST:PORT`"), "{text}: {error}");
        }
    }
}
