//! Where to listen, and what is spoken there.

use std::str::FromStr;

use crate::listener::Address;

/// Where to listen, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address, or the socket file.
    pub address: Address,
    /// What is spoken.
    pub scheme: Scheme,
    /// Every connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
}

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP/1.1.
    Http,
    /// TLS, and HTTP/2 or HTTP/1.1 in it.
    Https,
    /// HTTP/1.1, or HTTP/2 by prior knowledge.
    H2c,
}

impl FromStr for Listen {
    type Err = String;

    /// `ADDRESS:PORT`, `http://…`, `https://…`, `h2c://…` or `unix:///PATH`, with `?proxy-protocol`
    /// behind it where the load balancer in front speaks that.
    fn from_str(text: &str) -> Result<Self, String> {
        let (place, query) = text.split_once('?').map_or((text, None), |(a, b)| (a, Some(b)));
        if query.is_some_and(|it| it != "proxy-protocol") {
            return Err("can be followed by ?proxy-protocol and nothing else".to_owned());
        }
        let (scheme, place) = match place.split_once("://") {
            None | Some(("unix", _)) => (Scheme::Http, place),
            Some(("http", place)) => (Scheme::Http, place),
            Some(("https", place)) => (Scheme::Https, place),
            Some(("h2c", place)) => (Scheme::H2c, place),
            Some((scheme, _)) => {
                let known = "http://, https://, h2c:// or unix://";
                return Err(format!("{scheme}:// cannot be listened on; use {known}"));
            }
        };
        let place = if place.starts_with("unix:") { place } else { place.trim_end_matches('/') };
        Ok(Self { address: place.parse()?, scheme, proxy_protocol: query.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_says_what_is_spoken_there() {
        for (text, scheme, proxy_protocol) in [
            ("127.0.0.1:1", Scheme::Http, false),
            ("http://127.0.0.1:1/", Scheme::Http, false),
            ("https://[::1]:1", Scheme::Https, false),
            ("h2c://127.0.0.1:1?proxy-protocol", Scheme::H2c, true),
            ("unix:///run/banyan.sock?proxy-protocol", Scheme::Http, true),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!((listen.scheme, listen.proxy_protocol), (scheme, proxy_protocol), "{text}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_listened_on_says_what_can() {
        assert!("ftp://0.0.0.0:21".parse::<Listen>().unwrap_err().contains("http://"));
        assert!("localhost".parse::<Listen>().unwrap_err().contains("numeric"));
        assert!("127.0.0.1:1?proxy".parse::<Listen>().unwrap_err().contains("?proxy-protocol"));
    }
}
