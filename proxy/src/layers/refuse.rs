//! Refuses what a proxy cannot serve, and what two servers could read differently.

use http::{HeaderValue, Method, Request, Version, header, uri::Authority};
use http_body::Body as _;

use super::Next;
use crate::{
    error::ProxyError,
    match_route::{Answer, Routed},
    tls::Shown,
};

/// Passes on only requests whose target and `Host` have one reading (RFC 9112 §3.2), and, where the
/// client was shown a certificate, name a host of that certificate.
pub async fn refuse(
    mut routed: Box<Routed>,
    next: impl Next<Box<Routed>, Response = Answer>,
) -> Answer {
    let refused = match routed.refused.take() {
        Some(why) => Err(why),
        None => acceptable(&mut routed),
    };
    match refused {
        Ok(()) => next.answer(routed).await,
        Err(why) => Answer::failed(why),
    }
}

fn acceptable(routed: &mut Routed) -> Result<(), ProxyError> {
    let most = routed.route.policy.limits.in_flight;
    if routed.route.metrics.in_flight() > most {
        return Err(ProxyError::Overloaded(most));
    }
    one_reading(&mut routed.request)?;
    if let Some(shown) = &routed.shown {
        directed(&routed.request, shown)?;
    }
    let length = routed.request.body().size_hint().exact();
    if length.is_some_and(|it| it > routed.route.policy.limits.body) {
        return Err(ProxyError::TooLarge);
    }
    Ok(())
}

/// Checks the head, and brings an absolute-form target into the origin form that servers expect.
fn one_reading<B>(request: &mut Request<B>) -> Result<(), ProxyError> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(ProxyError::Method);
    }
    one_host(request).map_err(ProxyError::Refused)
}

/// Whether the connection was made for the request's host: a browser uses one for every name that
/// it believes to be served there.
fn directed<B>(request: &Request<B>, shown: &Shown) -> Result<(), ProxyError> {
    let Some(host) = request.headers().get(header::HOST) else { return Ok(()) };
    let host = host.to_str().unwrap_or_default();
    let port = host.rfind(':').filter(|it| !host[*it..].contains(']'));
    if shown.speaks_for(&host[..port.unwrap_or(host.len())]) {
        return Ok(());
    }
    Err(ProxyError::Misdirected)
}

fn one_host<B>(request: &mut Request<B>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(valid_host(host).ok_or("the Host field is malformed")?),
        (None, _) if request.version() == Version::HTTP_11 => return Err("no Host field"),
        (None, _) => None,
        (Some(_), Some(_)) => return Err("several Host fields"),
    };
    let Some(target) = request.uri().authority().cloned() else {
        if request.version() == Version::HTTP_2 && host.is_none() {
            return Err("neither :authority nor Host");
        }
        return origin_form(request);
    };
    if !matches!(request.uri().scheme_str(), Some("http" | "https")) {
        return Err("a target of another scheme than http");
    }
    if target.as_str().contains('@') {
        return Err("the request's target names a user");
    }
    if !has_valid_port(&target) {
        return Err("the request's target is malformed");
    }
    let scheme = request.uri().scheme_str().unwrap_or_default().to_owned();
    if host.is_some_and(|it| !same_host(it.as_str(), target.as_str(), &scheme)) {
        return Err("the Host field and the request's target name different hosts");
    }
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    // `http://shop.test?x` has an empty path, which is `/` in origin form.
    let path = if path.starts_with('?') { format!("/{path}").parse() } else { path.parse() };
    *request.uri_mut() = path.map_err(|_| "the request's target is malformed")?;
    let value = HeaderValue::from_str(target.as_str()).map_err(|_| "the target is malformed")?;
    request.headers_mut().insert(header::HOST, value);
    origin_form(request)
}

/// `*` is for OPTIONS only (RFC 9112 §3.2.4); everything else begins with a slash.
fn origin_form<B>(request: &Request<B>) -> Result<(), &'static str> {
    let path = request.uri().path();
    let asterisk = path == "*" && request.method() == Method::OPTIONS;
    if asterisk || path.starts_with('/') { Ok(()) } else { Err("a target that is no path") }
}

/// Whether two authorities name the same host, the scheme's own port being the same as none.
fn same_host(a: &str, b: &str, scheme: &str) -> bool {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let strip = |it: &str| it.strip_suffix(port).unwrap_or(it).to_ascii_lowercase();
    strip(a) == strip(b)
}

/// `host[:port]`, without a user.
fn valid_host(value: &HeaderValue) -> Option<Authority> {
    let text = value.to_str().ok()?;
    let authority: Authority = text.parse().ok()?;
    (has_valid_port(&authority) && !authority.host().is_empty()).then_some(authority)
}

/// Whether nothing but a port follows the host, if anything does.
fn has_valid_port(authority: &Authority) -> bool {
    let Some(port) = authority.as_str().strip_prefix(authority.host()) else { return false };
    let is_port = |it: &str| it.bytes().all(|it| it.is_ascii_digit()) && it.parse::<u16>().is_ok();
    port.is_empty() || port.strip_prefix(':').is_some_and(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, hosts: &[&str]) -> Result<(String, String), ProxyError> {
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
        assert!(check("http://shop.test:8080/", &["shop.test"]).is_err());
        assert!(check("http://shop.test:80/", &["shop.test"]).is_ok());
        assert_eq!(check("http://shop.test?x", &["shop.test"]).unwrap().0, "/?x");
        assert!(check("http://shop.test:99999/", &["shop.test:99999"]).is_err());
        assert!(check("http://shop.test:port/", &[]).is_err());
    }
}
