//! Requests that are accepted: what of them reaches the origin, and what never does.

use tests::banyan::Proxy;

use crate::{
    message::Message,
    origin::Origin,
    support::{Verdicts, banyan, get, holds, is, once, same},
};

/// Sends a request with these lines and returns what arrived.
async fn pass(
    origin: &Origin,
    proxy: &Proxy,
    target: &str,
    lines: &str,
) -> Result<Message, String> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: shop.test:8443\r\n{lines}\r\n");
    is(&once(proxy, request).await?, 200)?;
    origin.request(target)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_arrives_byte_for_byte_in_origin_form() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    for (sent, host, due, name) in [
        ("/a?b=c&d;e", "shop.test", "/a?b=c&d;e", "shop.test"),
        ("//a/../b/./%2e%2F%c3?%00=[]|", "shop.test", "//a/../b/./%2e%2F%c3?%00=[]|", "shop.test"),
        ("/a%", "shop.test", "/a%", "shop.test"),
        ("/a?b?c", "shop.test", "/a?b?c", "shop.test"),
        ("/?", "shop.test", "/?", "shop.test"),
        ("http://shop.test/a", "shop.test", "/a", "shop.test"),
        ("http://shop.test", "shop.test", "/", "shop.test"),
        ("http://shop.test?x", "shop.test", "/?x", "shop.test"),
        ("http://shop.test:80/b", "shop.test", "/b", "shop.test:80"),
        ("http://shop.test/c", "shop.test:80", "/c", "shop.test"),
        ("http://SHOP.test/d", "shop.TEST", "/d", "shop.test"),
        ("HTTP://shop.test/e", "shop.test", "/e", "shop.test"),
        ("/ipv6", "[::1]:8080", "/ipv6", "[::1]:8080"),
        ("/http://evil.test/", "shop.test", "/http://evil.test/", "shop.test"),
    ] {
        let verdict = async {
            is(&once(&proxy, format!("GET {sent} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await?, 200)?;
            let arrived = origin.request(due)?;
            same("the line", &arrived.first_line, &format!("GET {due} HTTP/1.1"))?;
            let host = arrived.get("host").unwrap_or_default().to_ascii_lowercase();
            // With or without the scheme's own port: it is the same host.
            let bare = |it: &str| it.strip_suffix(":80").unwrap_or(it).to_owned();
            same("Host", &bare(&host), &bare(name))
        };
        verdicts.add(&format!("{sent} at {host}"), verdict.await);
    }
    let options = once(&proxy, "OPTIONS * HTTP/1.1\r\nHost: shop.test\r\n\r\n").await;
    verdicts.add("OPTIONS *", options.and_then(|it| same("the target", &it.text()[..], "*")));
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_trimmed_and_otherwise_arrive_as_they_were_sent() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let lines = "X-Trim: \t a b\t \r\nX-Tight:c\r\nX-Empty:\r\nX-Blank: \t\r\nX-Tab: a\tb\r\n\
                 X-Latin: caf\u{e9}\r\nX-Colon: a:b\r\nX-Two: 1\r\nX-Two: 2\r\nX!#$%&'*+-.^`|~: t\r\n\
                 Cookie: a=1; b=2\r\nAuthorization: Bearer x\r\nSec-Fetch-Site: same-origin\r\n\
                 X-HTTP-Method-Override: PATCH\r\n";
    let arrived = pass(&origin, &proxy, "/values", lines).await.unwrap();
    let mut verdicts = Verdicts::default();
    for (name, values) in [
        ("x-trim", &["a b"][..]),
        ("x-tight", &["c"]),
        ("x-empty", &[""]),
        ("x-blank", &[""]),
        ("x-tab", &["a\tb"]),
        ("x-latin", &["caf\u{c3}\u{a9}"]),
        ("x-colon", &["a:b"]),
        ("x-two", &["1", "2"]),
        ("x!#$%&'*+-.^`|~", &["t"]),
        ("cookie", &["a=1; b=2"]),
        ("authorization", &["Bearer x"]),
        ("sec-fetch-site", &["same-origin"]),
        ("x-http-method-override", &["PATCH"]),
        ("host", &["shop.test:8443"]),
    ] {
        let seen: Vec<_> = arrived.all(name).collect();
        verdicts.add(name, same("it", &seen[..], values));
    }
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_one_connection_stays_there() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let lines = "Connection: keep-alive, X-Named\r\nConnection: x-also,, X_Under, Cookie, Host, X-Forwarded-For\r\n\
                 X-Named: 1\r\nX-Also: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\
                 Proxy-Authorization: Basic eDp5\r\nTE: trailers\r\nTrailer: X-Sum\r\nUpgrade: h2c\r\n\
                 HTTP2-Settings: AAMAAABk\r\nExpect: 100-continue\r\nX-Stays: 1\r\nCookie: a=1\r\n";
    let arrived = pass(&origin, &proxy, "/hop", lines).await.unwrap();
    let mut verdicts = Verdicts::default();
    for name in [
        "x-named",
        "x-also",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    ] {
        verdicts.add(name, same("it", &arrived.get(name), &None));
    }
    let connection = arrived.get("connection").unwrap_or("keep-alive").to_ascii_lowercase();
    verdicts.add("connection", same("it", &connection[..], "keep-alive"));
    // A client that could remove these could undo what it is identified by.
    for name in ["x-stays", "cookie", "host", "x-forwarded-for"] {
        let kept = arrived.get(name).is_some();
        verdicts.add(name, holds(kept, || "it is gone".to_owned()));
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// What Rack and Rails believe without asking, and what is between Banyan and itself.
const FORGED: [&str; 25] = [
    "Client-Ip",
    "Content_Length",
    "Forwarded",
    "Front-End-Https",
    "True-Client-Ip",
    "X-Accel-Mapping",
    "X-Accel-Redirect",
    "X-Banyan-Route",
    "X-Banyan-Side",
    "X-Client-Ip",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Middleware-Start",
    "X-Queue-Start",
    "X-Real-Ip",
    "X-Request-Start",
    "X-Sendfile-Type",
    "X_Forwarded_For",
    "x-forwarded_proto",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_proxy_may_say_is_said_once_and_by_us() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let lines = FORGED.map(|it| format!("{it}: forged\r\n")).concat();
    let arrived = pass(&origin, &proxy, "/forged", &(lines.clone() + &lines)).await.unwrap();
    let mut verdicts = Verdicts::default();
    let forged: Vec<_> = arrived.fields.iter().filter(|it| it.1.contains("forged")).collect();
    verdicts.add("forged", holds(forged.is_empty(), || format!("{forged:?} arrived")));
    let under: Vec<_> = arrived.fields.iter().filter(|it| it.0.contains('_')).collect();
    verdicts.add("underscores", holds(under.is_empty(), || format!("{under:?} arrived")));
    for (name, due) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "shop.test:8443"),
        ("x-forwarded-port", "8443"),
        ("x-forwarded-proto", "http"),
        ("x-real-ip", "127.0.0.1"),
    ] {
        let seen: Vec<_> = arrived.all(name).collect();
        verdicts.add(name, same("it", &seen[..], &[due]));
    }
    for (name, begin) in [("x-request-start", "t="), ("x-request-id", "")] {
        let seen: Vec<_> = arrived.all(name).collect();
        let once = seen.len() == 1 && seen[0].len() > 10 && seen[0].starts_with(begin);
        verdicts.add(name, holds(once, || format!("{seen:?}")));
    }
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_just_within_the_limits_passes() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "limits = { body = \"1KiB\" }\n").await;
    let mut verdicts = Verdicts::default();
    let long = |length: usize| "a".repeat(length);
    let path = format!("/{}", long(12 * 1024 - "GET / HTTP/1.1".len()));
    let body = format!(
        "POST /body HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1024\r\n\r\n{}",
        long(1024)
    );
    let fields = |lines: &str| format!("GET /x HTTP/1.1\r\nHost: shop.test\r\n{lines}\r\n");
    for (name, request) in [
        ("a line of 12 KiB", get(&path)),
        ("128 fields", fields(&"X: y\r\n".repeat(127))),
        ("a head of 63 KiB", fields(&format!("X: {}\r\n", long(63 * 1024 - 50)))),
        ("a cookie of 32 KiB", fields(&format!("Cookie: a={}\r\n", long(32 * 1024)))),
        ("a body of 1 KiB", body),
    ] {
        verdicts.add(name, once(&proxy, request).await.and_then(|it| is(&it, 200)));
    }
    proxy.stop().await;
    verdicts.conclude();
}
