//! The client's side of a connection: who is there, and whether we believe what it says of others.

use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;
use ipnet::IpNet;

/// The peer of one accepted connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downstream {
    /// The address that connected to us: the buyer, or the last hop before us.
    pub peer: IpAddr,
    /// The same as fields and log lines have it: written once, and not for each request.
    pub name: HeaderValue,
    /// The peer is one of the trusted proxies, so its `X-Forwarded-*` and `X-Request-Id` stand.
    pub trusted: bool,
    /// It came through TLS.
    pub tls: bool,
}

impl Downstream {
    /// Looks `peer` up among the trusted proxies. An IPv4 peer of an IPv6 socket counts as IPv4.
    pub fn new(peer: SocketAddr, tls: bool, trusted: &[IpNet]) -> Self {
        let peer = peer.ip().to_canonical();
        Self::known(peer, tls, trusted.iter().any(|it| it.contains(&peer)))
    }

    /// One of which it is known already whether it is trusted.
    pub fn known(peer: IpAddr, tls: bool, trusted: bool) -> Self {
        // The text of an address is a field value; the other arm cannot be reached.
        let name = HeaderValue::try_from(peer.to_string());
        let name = name.unwrap_or(HeaderValue::from_static("unknown"));
        Self { peer, name, trusted, tls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_networks_are_trusted_also_through_a_dual_stack_socket() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let is_trusted =
            |peer: &str| Downstream::new(peer.parse().unwrap(), false, &trusted).trusted;
        assert!(is_trusted("10.1.2.3:4000"));
        assert!(is_trusted("[::ffff:10.1.2.3]:4000"));
        assert!(!is_trusted("11.1.2.3:4000"));
        assert!(!is_trusted("[::1]:4000"));
    }
}
