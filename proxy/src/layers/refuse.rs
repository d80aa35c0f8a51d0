//! Refuses what a proxy cannot serve, and what two servers could read differently.

use http::{HeaderValue, Method, Request, Version, header, uri::Authority};

use super::Next;
use crate::{
    error::ProxyError,
    match_route::{Answer, Routed},
    metrics::Side,
};

/// Passes on only requests whose target and `Host` have one reading (RFC 9112 §3.2).
pub async fn refuse(mut routed: Routed, next: impl Next<Routed, Response = Answer>) -> Answer {
    match one_reading(&mut routed.request) {
        Ok(()) => next.answer(routed).await,
        Err(why) => Answer::of(Side::Proxy, ProxyError::Refused(why).into_response()),
    }
}

/// Checks the head, and brings an absolute-form target into the origin form that servers expect.
fn one_reading<B>(request: &mut Request<B>) -> Result<(), &'static str> {
    if request.method() == Method::CONNECT {
        return Err("CONNECT: this is not a forward proxy");
    }
    let coding = request.headers().get(header::TRANSFER_ENCODING);
    if coding.is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err("a Transfer-Encoding other than chunked");
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(valid_host(host).ok_or("the Host field is malformed")?),
        (None, _) if request.version() >= Version::HTTP_11 => return Err("no Host field"),
        (None, _) => None,
        (Some(_), Some(_)) => return Err("several Host fields"),
    };
    let Some(target) = request.uri().authority().cloned() else { return Ok(()) };
    if target.as_str().contains('@') {
        return Err("the request's target names a user");
    }
    if host.is_some_and(|it| !it.as_str().eq_ignore_ascii_case(target.as_str())) {
        return Err("the Host field and the request's target name different hosts");
    }
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str()).parse();
    *request.uri_mut() = path.map_err(|_| "the request's target is malformed")?;
    let value = HeaderValue::from_str(target.as_str()).map_err(|_| "the target is malformed")?;
    request.headers_mut().insert(header::HOST, value);
    Ok(())
}

/// `host[:port]`, without a user.
fn valid_host(value: &HeaderValue) -> Option<Authority> {
    let authority: Authority = value.to_str().ok()?.parse().ok()?;
    let is_host = authority.as_str() == authority.host();
    (is_host || authority.port_u16().is_some() && !authority.as_str().contains('@'))
        .then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, hosts: &[&str]) -> Result<(String, String), &'static str> {
        let mut builder = Request::builder().uri(target);
        for host in hosts {
            builder = builder.header("host", *host);
        }
        let mut request = builder.body(()).unwrap();
        one_reading(&mut request)?;
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        Ok((request.uri().to_string(), host))
    }

    #[test]
    fn one_well_formed_host_passes() {
        for host in ["shop.test", "shop.test:8080", "127.0.0.1:1", "[::1]:80"] {
            assert!(check("/cart", &[host]).is_ok(), "{host}");
        }
    }

    #[test]
    fn no_host_two_hosts_and_malformed_hosts_are_refused() {
        assert!(check("/", &[]).is_err());
        assert!(check("/", &["a", "a"]).is_err());
        for host in ["a b", "a/b", "u@a", "", "a:port"] {
            assert!(check("/", &[host]).is_err(), "{host:?}");
        }
    }

    #[test]
    fn an_absolute_target_becomes_a_path_and_must_agree_with_host() {
        let read = check("http://shop.test/cart?x=1", &["SHOP.test"]).unwrap();
        assert_eq!(read, ("/cart?x=1".into(), "shop.test".into()));
        assert!(check("http://shop.test/", &["evil.test"]).is_err());
    }
}
