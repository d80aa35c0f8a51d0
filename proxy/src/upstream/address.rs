//! A server's address as it is written: `http://host:port`, `https://…`, `h2://…`, `h2c://…` or
//! `unix:///path`.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use http::{Uri, uri::Authority};

/// What a server is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, and nothing else.
    Http2,
}

/// One server's address: whether it is reached through TLS is part of its type, since TLS needs to
/// be told whom to believe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerAddr {
    /// Without TLS.
    Clear(ClearAddr),
    /// Through TLS.
    Tls(TlsAddr),
}

/// A server without TLS. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClearAddr {
    /// Over TCP; the port is always there.
    Tcp(Authority, Protocol),
    /// HTTP/1.1 over a Unix socket, as Puma binds it.
    Unix(Arc<PathBuf>),
}

/// A server behind TLS. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlsAddr {
    /// The port is always there.
    pub authority: Authority,
    /// What ALPN must settle on.
    pub protocol: Protocol,
}

impl FromStr for ServerAddr {
    type Err = String;

    /// Parses `http://host[:port]` and `h2c://…` (port 80 when absent), `https://…` and `h2://…`
    /// (port 443), or `unix:///path/to/socket`.
    fn from_str(text: &str) -> Result<Self, String> {
        let must = "must be `http://HOST:PORT`, `https://…`, `h2://…`, `h2c://…` or `unix:///PATH`";
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') || path.len() < 2 {
                return Err(format!("{must}: a socket's path is absolute"));
            }
            return Ok(Self::Clear(ClearAddr::Unix(Arc::new(PathBuf::from(path)))));
        }
        let uri: Uri = text.parse().map_err(|_| must.to_owned())?;
        let (tls, protocol, port) = match uri.scheme_str() {
            Some("http") => (false, Protocol::Http1, 80),
            Some("https") => (true, Protocol::Http1, 443),
            Some("h2") => (true, Protocol::Http2, 443),
            Some("h2c") => (false, Protocol::Http2, 80),
            _ => return Err(must.to_owned()),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{must}, without a path: requests bring their own"));
        }
        let authority = uri.authority().ok_or(must)?;
        if authority.as_str().contains('@') {
            return Err(format!("{must}, without a user name"));
        }
        let authority = match authority.port() {
            Some(_) => authority.clone(),
            None => format!("{}:{port}", authority.host()).parse().map_err(|_| must.to_owned())?,
        };
        Ok(if tls {
            Self::Tls(TlsAddr { authority, protocol })
        } else {
            Self::Clear(ClearAddr::Tcp(authority, protocol))
        })
    }
}

impl fmt::Display for ClearAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(authority, Protocol::Http1) => write!(f, "http://{authority}"),
            Self::Tcp(authority, Protocol::Http2) => write!(f, "h2c://{authority}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl fmt::Display for TlsAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Http1 => write!(f, "https://{}", self.authority),
            Protocol::Http2 => write!(f, "h2://{}", self.authority),
        }
    }
}

impl fmt::Display for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(address) => address.fmt(f),
            Self::Tls(address) => address.fmt(f),
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
            ("https://rails", "https://rails:443"),
            ("https://[::1]", "https://[::1]:443"),
            ("h2://rails:8443", "h2://rails:8443"),
            ("h2://rails", "h2://rails:443"),
            ("h2c://rails/", "h2c://rails:80"),
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
            "http://rails/shop",
            "https://rails/shop",
            "http://u@rails",
            "h2://u@rails",
            "unix://puma.sock",
            "unix:///",
            "http://",
            "https://",
            "ftp://rails",
        ] {
            let error = text.parse::<ServerAddr>().unwrap_err();
            assert!(error.starts_with("must be `http://HOST:PORT`"), "{text}: {error}");
        }
    }
}
