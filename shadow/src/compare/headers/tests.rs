//! What means the same, and what does not.

use http::HeaderName;
use time::macros::date;

use super::*;
use crate::compare::{Comparison, Rules};

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// The differences as `kind class path`.
fn differences(
    control: &[(&'static str, &'static str)],
    candidate: &[(&'static str, &'static str)],
) -> Vec<String> {
    let [control, candidate] = [control, candidate].map(headers);
    let rules = Rules::default();
    let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
    compare(&control, &candidate, &mut collector);
    let Comparison { findings, .. } = collector.finish();
    let differences = findings.into_iter().map(|it| it.difference);
    differences.map(|it| format!("{} {} {}", it.kind, it.class, it.path)).collect()
}

#[test]
fn headers_of_a_connection_or_a_request_are_left_out() {
    let control = [
        ("connection", "keep-alive"),
        ("date", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ("etag", "W/\"1\""),
        ("x-banyan-side", "monolith"),
        ("x-request-id", "1"),
        ("x-runtime", "0.01"),
    ];
    assert!(differences(&control, &[("content-length", "2")]).is_empty());
}

#[test]
fn what_a_client_acts_on_is_critical() {
    assert_eq!(
        differences(
            &[("cache-control", "no-store"), ("location", "/a"), ("x-frame-options", "DENY")],
            &[("content-type", "text/html"), ("location", "/b"), ("x-frame-options", "SAMEORIGIN")],
        ),
        [
            "missing critical headers.cache-control",
            "extra critical headers.content-type",
            "changed critical headers.location",
            "changed cosmetic headers.x-frame-options",
        ]
    );
}

#[test]
fn sets_have_no_order() {
    let control = [("cache-control", "max-age=0, private"), ("vary", "Accept, Origin")];
    let candidate =
        [("cache-control", "private,Max-Age=0"), ("vary", "origin"), ("vary", "accept")];
    assert!(differences(&control, &candidate).is_empty());
    let candidate = [("cache-control", "max-age=1, private"), ("vary", "Accept")];
    assert_eq!(
        differences(&control, &candidate),
        ["changed critical headers.cache-control", "changed cosmetic headers.vary"]
    );
}

#[test]
fn media_types_are_compared_with_their_parameters() {
    let same = |one, other| differences(&[("content-type", one)], &[("content-type", other)]);
    assert!(
        same("application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\"").is_empty()
    );
    assert_eq!(same("text/html; charset=utf-8", "text/html").len(), 1);
    assert_eq!(same("multipart/mixed; boundary=a", "multipart/mixed; boundary=A").len(), 1);
}

#[test]
fn cookies_are_compared_by_name_and_attributes() {
    let control = [
        ("set-cookie", "_shop_session=abc%3D; path=/; HttpOnly; SameSite=Lax"),
        ("set-cookie", "seen=1; path=/; expires=Tue, 24 Nov 2026 12:00:00 GMT"),
    ];
    let candidate = [
        ("set-cookie", "seen=2; Expires=Wed, 25 Nov 2026 12:00:00 GMT; Path=/"),
        ("set-cookie", "_shop_session=xyz; samesite=lax; httponly; path=/"),
    ];
    assert!(differences(&control, &candidate).is_empty());

    let candidate = [("set-cookie", "_shop_session=xyz; path=/; SameSite=Lax")];
    assert_eq!(
        differences(&control, &candidate),
        [
            "changed critical headers.set-cookie._shop_session",
            "missing critical headers.set-cookie.seen"
        ]
    );
}

#[test]
fn clearing_a_cookie_is_not_setting_it() {
    let set = [("set-cookie", "a=1; path=/")];
    let cleared = [("set-cookie", "a=; path=/")];
    assert_eq!(differences(&set, &cleared), ["changed critical headers.set-cookie.a"]);
}

#[test]
fn values_that_are_no_text_stay_apart() {
    let [mut control, mut candidate] = [HeaderMap::new(), HeaderMap::new()];
    control.insert("x-name", HeaderValue::from_bytes(b"\xff").unwrap());
    candidate.insert("x-name", HeaderValue::from_bytes(b"\xfe").unwrap());
    assert_ne!(meaning("x-name", &control), meaning("x-name", &candidate));
}

#[test]
fn encodings_are_recognised() {
    let encodings = |value| encodings(&headers(&[("content-encoding", value)]));
    assert!(encodings("identity").is_empty());
    assert_eq!(encodings("GZip"), ["gzip"]);
    assert_eq!(encodings("deflate, identity, gzip"), ["deflate", "gzip"]);
}
