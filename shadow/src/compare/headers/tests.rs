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
    compare(Root::Headers, &control, &candidate, &mut collector);
    let Comparison { findings, .. } = collector.finish();
    let differences = findings.into_iter().map(|it| it.difference);
    differences.map(|it| format!("{} {} {}", it.kind, it.class, it.path)).collect()
}

#[test]
fn headers_of_a_connection_or_a_request_are_left_out() {
    let control = [
        ("connection", "keep-alive"),
        ("date", "Tue, 24 Nov 2026 12:00:00 GMT"),
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
            "changed critical headers.x-frame-options",
        ]
    );
}

#[test]
fn a_page_of_another_origin_acts_on_what_it_may_have() {
    let control = [("access-control-allow-origin", "*"), ("x-page", "1")];
    assert_eq!(
        differences(&control, &[]),
        ["missing critical headers.access-control-allow-origin", "missing cosmetic headers.x-page"]
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
        ["changed critical headers.cache-control", "changed critical headers.vary"]
    );
}

#[test]
fn fields_that_mean_the_same_are_equal_and_others_are_not() {
    for (name, one, same, other) in [
        ("location", "HTTP://Shop.test:80?a=B", "http://shop.test/?a=B", "http://shop.test/?a=b"),
        ("location", "https://shop.test:443/a", "https://shop.test/a", "http://shop.test/a"),
        ("location", "/A", "/A", "/a"),
        (
            "link",
            "</assets/a-0123abcd.css>; rel=preload; as=style, </b?x,y>; rel=\"next\"",
            "</b?x,y>;rel=next, </assets/a-89abcdef.css>; as=style; rel=preload",
            "</b?x,y>;rel=prev, </assets/a-89abcdef.css>; as=style; rel=preload",
        ),
        (
            "content-security-policy",
            "default-src 'self' https:; script-src 'nonce-a1'",
            "Script-Src 'nonce-b2'; default-src https: 'self';",
            "script-src 'unsafe-inline'; default-src https: 'self'",
        ),
        (
            "strict-transport-security",
            "max-age=1; includeSubDomains",
            "includesubdomains;max-age=1",
            "max-age=1",
        ),
        (
            "content-disposition",
            "attachment; filename=\"a;b\"",
            "Attachment;filename=\"a;b\"",
            "inline",
        ),
        ("etag", "W/\"1\"", "W/\"2\"", "\"1\""),
        ("allow", "GET, HEAD", "HEAD,GET", "GET"),
        ("cache-control", "private=\"a, b\", no-store", "no-store, private=\"a, b\"", "no-store"),
    ] {
        assert!(differences(&[(name, one)], &[(name, same)]).is_empty(), "{one} / {same}");
        assert_eq!(differences(&[(name, one)], &[(name, other)]).len(), 1, "{one} / {other}");
    }
    let lines = |one, other| [("x-list", one), ("x-list", other)];
    assert!(differences(&lines("a", "b"), &[("x-list", "a, b")]).is_empty());
    assert_eq!(differences(&lines("a", "b"), &lines("b", "a")).len(), 1, "their order");
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

/// What Rails makes of a session in a cookie, shortened.
const SEALED: [&str; 2] =
    ["_shop_session=q8Zk%3D--Xa0--b1%3D; ", "_shop_session=bB3x%3D--Yb1--c2%3D; "];

#[test]
fn cookies_are_compared_by_name_and_attributes() {
    let line = |sealed, rest| format!("{sealed}{rest}").leak() as &'static str;
    let control = [
        ("set-cookie", line(SEALED[0], "path=/; HttpOnly; SameSite=Lax")),
        ("set-cookie", "seen=1; path=/; expires=Tue, 24 Nov 2026 12:00:00 GMT"),
    ];
    let candidate = [
        ("set-cookie", "seen=1; Expires=Wed, 25 Nov 2026 12:00:00 GMT; Path=/"),
        ("set-cookie", line(SEALED[1], "samesite=lax; httponly; path=/")),
    ];
    assert!(differences(&control, &candidate).is_empty());

    let candidate = [("set-cookie", line(SEALED[1], "path=/; SameSite=Lax"))];
    assert_eq!(
        differences(&control, &candidate),
        [
            "changed critical headers.set-cookie._shop_session",
            "missing critical headers.set-cookie.seen"
        ]
    );
}

#[test]
fn a_cookies_value_is_compared_unless_it_is_sealed_or_random() {
    let set = |value: &str| [("set-cookie", format!("a={value}; path=/").leak() as &'static str)];
    for (one, other) in [
        ("4ab1de3b1e3c4a1d9f1c", "93b1de3b1e3c4a1d9f1d"),
        ("67f6f3d2-8b5e-4a8b-9d3c-0c9b6d8e1f10", "00f6f3d2-8b5e-4a8b-9d3c-0c9b6d8e1f11"),
        ("IjEi--0beec7b5", "IjIi--1beec7b6"),
        ("de%2DDE", "de-DE"),
    ] {
        assert!(differences(&set(one), &set(other)).is_empty(), "{one} {other}");
    }
    for (one, other) in [("de", "en"), ("1", "2"), ("1700000000", "1700000001")] {
        let expected = ["changed critical headers.set-cookie.a.value"];
        assert_eq!(differences(&set(one), &set(other)), expected, "{one} {other}");
    }
    let expected = ["missing critical headers.set-cookie.a.value"];
    assert_eq!(differences(&set("42"), &set("IjQyIg==--0beec7b5")), expected, "signed");
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
    assert_ne!(meaning("x-name", &control, false), meaning("x-name", &candidate, false));
}

#[test]
fn encodings_are_recognised() {
    let encodings = |value| encodings(&headers(&[("content-encoding", value)]));
    assert!(encodings("identity").is_empty());
    assert_eq!(encodings("GZip"), ["gzip"]);
    assert_eq!(encodings("deflate, identity, gzip"), ["deflate", "gzip"]);
}
