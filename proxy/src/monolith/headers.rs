//! The header fields that a proxy must remove, and those that it must set.
//!
//! Hop-by-hop fields: RFC 9110 §7.6.1. The others are what Rack and Rails believe without asking:
//! a client that could set them would choose its own address, scheme, host or file to be sent.

use std::{
    net::IpAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, HeaderValue, header, uri::Scheme};

use crate::{
    downstream::Downstream,
    forwarded::{FORWARDED, forwarded},
};

/// The request's id, as Rails reads and repeats it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");

/// Removes the fields that concern one connection only: the fixed ones, and those that `Connection`
/// names.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    strip_options(headers);
    strip(headers, is_hop_by_hop);
}

fn strip_options(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        for name in connection_options(headers) {
            headers.remove(name);
        }
    }
}

/// Removes what `is_it` says by its name. In one pass: to look for each name would hash each.
fn strip(headers: &mut HeaderMap, is_it: impl Fn(&str) -> bool) {
    let found: Vec<_> = headers.keys().filter(|it| is_it(it.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// The field names in `Connection`, but for those that no client may have removed.
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    options(headers)
        .filter_map(|option| option.parse::<HeaderName>().ok())
        .filter(|name| *name != header::HOST && *name != header::COOKIE)
        .filter(|name| *name != header::AUTHORIZATION && *name != header::CONTENT_LENGTH)
        .filter(|name| *name != X_REQUEST_ID)
        .collect()
}

/// Whether `Connection` names this option, in any line and any case.
pub fn connection_says(headers: &HeaderMap, option: &str) -> bool {
    options(headers).any(|it| it.eq_ignore_ascii_case(option))
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    lines.flat_map(|it| it.split(',')).map(str::trim)
}

/// Turns a client's header fields into those that the monolith gets.
pub fn to_monolith(headers: &mut HeaderMap, downstream: &Downstream) {
    let forwarded = Forwarded::of(headers, downstream);
    strip_options(headers);
    // The expectation is met by us, when the body is read.
    strip(headers, |it| is_hop_by_hop(it) || is_untrusted(it) || it == "expect");
    forwarded.set(headers);
}

/// `request.base_url`, as Rails makes it of what it is told: scheme, host and, unless it is the
/// scheme's own, port. Empty where there is no host.
///
/// Source: actionpack 6.1, `http/url.rb`.
pub fn base_url(headers: &HeaderMap, downstream: &Downstream) -> String {
    let Forwarded { scheme, host, .. } = Forwarded::of(headers, downstream);
    let host = host.as_ref().and_then(|it| it.to_str().ok()).unwrap_or_default();
    // Of a list that hops have made, the last.
    let host = host.rsplit(',').next().unwrap_or_default().trim();
    let own = if scheme == Scheme::HTTPS { ":443" } else { ":80" };
    let host = host.strip_suffix(own).unwrap_or(host);
    if host.is_empty() { String::new() } else { format!("{scheme}://{host}") }
}

/// Removes what must stand in a head: framing, routing and who somebody is (RFC 9110 §6.5.1). A
/// server that joins trailers with the head would believe them.
pub fn strip_trailers(trailers: &mut HeaderMap) {
    strip_options(trailers);
    strip(trailers, |it| is_hop_by_hop(it) || is_untrusted(it));
    for name in [
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::EXPECT,
        header::HOST,
        header::MAX_FORWARDS,
        header::RANGE,
        header::SET_COOKIE,
    ] {
        trailers.remove(name);
    }
}

/// Removes from an answer what a server in front of Rails is told by it.
pub fn strip_accel(headers: &mut HeaderMap) {
    strip(headers, |it| it.starts_with("x-accel-"));
}

/// What only a proxy may say, and names with `_`, which Rack cannot tell from `-`. Names are
/// lower-case here, whatever the client wrote.
fn is_untrusted(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "client-ip",
        "forwarded",
        "front-end-https",
        "true-client-ip",
        "x-client-ip",
        "x-middleware-start",
        "x-queue-start",
        "x-real-ip",
        "x-request-start",
        "x-sendfile-type",
    ];
    const PREFIXES: [&str; 3] = ["x-accel-", "x-banyan-", "x-forwarded"];
    match name.as_bytes().first() {
        Some(b'x') => {
            PREFIXES.iter().any(|it| name.starts_with(it))
                || NAMES.contains(&name)
                || name.as_bytes().contains(&b'_')
        }
        Some(b'c' | b'f' | b't') => NAMES.contains(&name) || name.as_bytes().contains(&b'_'),
        _ => name.as_bytes().contains(&b'_'),
    }
}

/// What Rails is told of the client: exactly one value each, never appended to a client's own.
#[derive(Debug)]
struct Forwarded {
    client: HeaderValue,
    /// The client's address; that of the hop in front of us where it names none.
    address: IpAddr,
    chain: HeaderValue,
    scheme: Scheme,
    host: Option<HeaderValue>,
    port: Option<HeaderValue>,
}

impl Forwarded {
    /// A trusted hop in front of us knows better than we do; anybody else is not believed.
    fn of(headers: &HeaderMap, downstream: &Downstream) -> Self {
        let told = |name: &HeaderName| headers.get(name).filter(|_| downstream.trusted);
        let scheme = told(&X_FORWARDED_PROTO).and_then(scheme);
        let host = told(&X_FORWARDED_HOST).or_else(|| headers.get(header::HOST)).cloned();
        let port = told(&X_FORWARDED_PORT).cloned();
        let (client, chain) = told(&X_FORWARDED_FOR)
            .and_then(|_| behind(&list(headers, &X_FORWARDED_FOR), downstream))
            .unwrap_or_else(|| (downstream.name.clone(), downstream.name.clone()));
        let address = client.to_str().ok().filter(|_| downstream.trusted);
        let ours = if downstream.tls { Scheme::HTTPS } else { Scheme::HTTP };
        Self {
            address: address.and_then(|it| it.parse().ok()).unwrap_or(downstream.peer),
            client,
            chain,
            scheme: scheme.unwrap_or(ours),
            port: port.or_else(|| host.as_ref().and_then(port_of)),
            host,
        }
    }

    fn set(self, headers: &mut HeaderMap) {
        let mut set = |name: HeaderName, value: Option<HeaderValue>| {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        };
        set(FORWARDED, Some(forwarded(self.address, self.host.as_ref(), &self.scheme)));
        set(X_FORWARDED_FOR, Some(self.chain));
        set(X_REAL_IP, Some(self.client));
        set(X_FORWARDED_PROTO, HeaderValue::from_str(self.scheme.as_str()).ok());
        set(X_FORWARDED_HOST, self.host);
        set(X_FORWARDED_PORT, self.port);
        set(X_REQUEST_START, request_start());
    }
}

/// The client that the hop in front of us saw, and the chain with that hop at its end. Those further
/// left are what it was told.
fn behind(chain: &str, downstream: &Downstream) -> Option<(HeaderValue, HeaderValue)> {
    let client = chain.rsplit(',').next().map(str::trim).filter(|it| !it.is_empty())?;
    let hop = downstream.name.to_str().ok()?;
    Some((
        HeaderValue::from_str(client).ok()?,
        HeaderValue::try_from(format!("{chain}, {hop}")).ok()?,
    ))
}

/// A field's lines as one list; lines that are not text are left out.
fn list(headers: &HeaderMap, name: &HeaderName) -> String {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|it| it.to_str().ok()).collect();
    lines.join(", ")
}

/// The scheme that the buyer used: the first of a list that hops have made.
fn scheme(value: &HeaderValue) -> Option<Scheme> {
    match value.to_str().ok()?.split(',').next()?.trim() {
        "https" => Some(Scheme::HTTPS),
        "http" => Some(Scheme::HTTP),
        _ => None,
    }
}

/// The port that a `Host` value names.
fn port_of(host: &HeaderValue) -> Option<HeaderValue> {
    let (_, port) = host.to_str().ok()?.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    port.parse().ok()
}

/// `t=` and milliseconds since the epoch: what New Relic, Scout and `judoscale` read queue time from.
fn request_start() -> Option<HeaderValue> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let mut text = "t=".to_owned();
    text.push_str(itoa::Buffer::new().format(now.as_millis()));
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn sent(trusted: bool, fields: &[(&str, &str)]) -> HeaderMap {
        let mut request = Request::builder().header("host", "shop.test:8443");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut headers = request.body(()).unwrap().into_parts().0.headers;
        let hops = if trusted { &["192.0.2.7/32".parse().unwrap()][..] } else { &[] };
        let downstream = Downstream::new("192.0.2.7:4000".parse().unwrap(), false, hops);
        to_monolith(&mut headers, &downstream);
        headers
    }

    #[test]
    fn a_client_cannot_choose_its_address_scheme_or_host() {
        let headers = sent(
            false,
            &[
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "evil.test"),
                ("x-forwarded-ssl", "on"),
                ("x-forwarded-scheme", "https"),
                ("forwarded", "for=10.0.0.1"),
                ("client-ip", "10.0.0.1"),
                ("x-request-start", "t=1"),
            ],
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-real-ip"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "shop.test:8443");
        assert_eq!(headers["x-forwarded-port"], "8443");
        assert_ne!(headers["x-request-start"], "t=1");
        assert_eq!(headers["forwarded"], "for=192.0.2.7;host=\"shop.test:8443\";proto=http");
        for name in ["x-forwarded-ssl", "x-forwarded-scheme", "client-ip"] {
            assert!(!headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_trusted_hop_is_believed_and_our_peer_is_added_to_the_chain() {
        let headers = sent(
            true,
            &[
                ("x-forwarded-for", "6.6.6.6"),
                ("x-forwarded-for", "203.0.113.9"),
                ("x-forwarded-proto", "https, http"),
            ],
        );
        assert_eq!(headers["x-forwarded-for"], "6.6.6.6, 203.0.113.9, 192.0.2.7");
        assert_eq!(headers["x-real-ip"], "203.0.113.9", "what the hop saw, not what it was told");
        assert_eq!(headers["x-forwarded-proto"], "https");
        let forwarded = "for=203.0.113.9;host=\"shop.test:8443\";proto=https";
        assert_eq!(headers["forwarded"], forwarded, "one element, which says the same");
    }

    #[test]
    fn a_base_url_is_what_the_buyer_knows() {
        let url = |tls: bool, host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            base_url(&headers, &Downstream::new("192.0.2.7:4000".parse().unwrap(), tls, &[]))
        };
        assert_eq!(url(false, "shop.test"), "http://shop.test");
        assert_eq!(url(false, "shop.test:80"), "http://shop.test");
        assert_eq!(url(true, "shop.test:443"), "https://shop.test");
        assert_eq!(url(true, "shop.test:8443"), "https://shop.test:8443");
        assert_eq!(url(true, ""), "");
    }

    #[test]
    fn names_that_rack_would_confuse_and_orders_to_a_file_server_are_dropped() {
        let headers = sent(
            false,
            &[
                ("x_forwarded_for", "1.1.1.1"),
                ("content_length", "3"),
                ("x-sendfile-type", "X-Accel-Redirect"),
                ("x-accel-mapping", "/=/"),
                ("x-banyan-side", "extraction"),
                ("x-http-method-override", "PATCH"),
                ("sec-fetch-site", "same-origin"),
            ],
        );
        for name in [
            "x_forwarded_for",
            "content_length",
            "x-sendfile-type",
            "x-accel-mapping",
            "x-banyan-side",
        ] {
            assert!(!headers.contains_key(name), "{name}");
        }
        assert_eq!(headers["x-http-method-override"], "PATCH");
        assert_eq!(headers["sec-fetch-site"], "same-origin");
    }

    #[test]
    fn what_concerns_one_connection_stays_there_and_a_client_cannot_remove_the_cookie() {
        let headers = sent(
            false,
            &[
                ("connection", "keep-alive, X-Internal, Cookie"),
                ("keep-alive", "timeout=5"),
                ("x-internal", "1"),
                ("te", "trailers"),
                ("upgrade", "h2c"),
                ("transfer-encoding", "chunked"),
                ("cookie", "a=1"),
                ("expect", "100-continue"),
            ],
        );
        for name in [
            "connection",
            "keep-alive",
            "x-internal",
            "te",
            "upgrade",
            "transfer-encoding",
            "expect",
        ] {
            assert!(!headers.contains_key(name), "{name}");
        }
        assert_eq!(headers["cookie"], "a=1");
    }
}
