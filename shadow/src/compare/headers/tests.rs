//! What means the same, and what does not.

use http::HeaderName;
use time::macros::datetime;

use super::*;
use crate::compare::{Comparison, Rules};

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

/// The differences as `kind class path`.
fn differences(
    control: &[(&'static str, &'static str)],
    candidate: &[(&'static str, &'static str)],
) -> Vec<String> {
    let [control, candidate] = [control, candidate].map(headers);
    let rules = Rules::default();
    let mut collector = Collector::new(rules.on(NOW.date()));
    compare(Root::Headers, [&control, &candidate], NOW, &mut collector);
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
            "location",
            "HTTP://Me:Pa@Shop.test",
            "http://Me:Pa@shop.test/",
            "http://me:pa@shop.test/",
        ),
        ("location", "/A?next=https://b", "/A?next=https://b", "/a?next=https://b"),
        ("location", "A?next=https://b", "A?next=https://b", "A?next=https://b/"),
        (
            "set-cookie",
            "a=1; Domain=.Shop.test",
            "a=1; domain=shop.test",
            "a=1; domain=a.shop.test",
        ),
        ("set-cookie", "a=1; domain=", "a=1", "a=1; domain=shop.test"),
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

/// What Rails makes of a session in a cookie.
const SEALED: [&str; 2] = [
    "_shop_session=q8Zk--AAECAwQFBgcICQoL--AAECAwQFBgcICQoLDA0ODw%3D%3D; ",
    "_shop_session=bB3x--DAECAwQFBgcICQoL--DAECAwQFBgcICQoLDA0ODw%3D%3D; ",
];

/// A signed message: base64, and an HMAC-SHA1 in hexadecimal.
fn signed(base64: &str) -> String {
    format!("{base64}--{}", "0beec7b5".repeat(5))
}

/// A line that sets the cookie `a`.
fn set(value: &str, rest: &str) -> [(&'static str, &'static str); 1] {
    [("set-cookie", format!("a={value}; path=/{rest}").leak())]
}

#[test]
fn cookies_are_compared_by_name_and_attributes() {
    let line = |sealed, rest| format!("{sealed}{rest}").leak() as &'static str;
    let control = [
        ("set-cookie", line(SEALED[0], "path=/; HttpOnly; SameSite=Lax")),
        ("set-cookie", "seen=1; path=/; expires=Wed, 25 Nov 2026 12:00:00 GMT"),
    ];
    let candidate = [
        ("set-cookie", "seen=1; Expires=Wed, 25-Nov-2026 12:00:10 GMT; Path=/"),
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
    for (one, other) in [
        ("4ab1de3b1e3c4a1d9f1c", "93b1de3b1e3c4a1d9f1d"),
        ("67f6f3d2-8b5e-4a8b-9d3c-0c9b6d8e1f10", "00f6f3d2-8b5e-4a8b-9d3c-0c9b6d8e1f11"),
        ("de%2DDE", "de-DE"),
    ] {
        assert!(differences(&set(one, ""), &set(other, "")).is_empty(), "{one} {other}");
    }
    for (one, other) in [
        ("de", "en"),
        ("1", "2"),
        ("1700000000", "1700000001"),
        ("dark--blue", "light--blue"),
        ("IjEi--0beec7b5", "IjIi--1beec7b6"),
    ] {
        let expected = ["changed critical headers.set-cookie.a.value"];
        assert_eq!(differences(&set(one, ""), &set(other, "")), expected, "{one} {other}");
    }
    let cut = &SEALED[0]["_shop_session=".len()..SEALED[0].len() - 2];
    assert_eq!(
        differences(&set("42", ""), &set(cut, "")),
        ["changed critical headers.set-cookie.a", "missing critical headers.set-cookie.a.value"]
    );
}

#[test]
fn of_a_signed_cookie_what_is_signed_is_compared() {
    // 1, 2, "1", and 1 for the cookie `a`, without an end and until 2026-11-25T12:00:00.000Z.
    let [one, two, text] = ["MQ==", "Mg==", "IjEi"].map(signed);
    let bound =
        signed("eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik1RPT0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS5hIn19");
    let ending = signed(
        "eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik1RPT0iLCJleHAiOiIyMDI2LTExLTI1VDEyOjAwOjAwLjAwMFoiLCJwdXIiOiJj\
         b29raWUuYSJ9fQ==",
    );
    let otherwise = format!("MQ%3D%3D--{}", "1beec7b6".repeat(8));
    assert!(differences(&set(&one, ""), &set(&otherwise, "")).is_empty(), "by another key");
    let (attributes, value) =
        ("changed critical headers.set-cookie.a", "changed critical headers.set-cookie.a.value");
    for (candidate, expected) in
        [(&*two, value), (&*text, attributes), ("1", attributes), (&*bound, attributes)]
    {
        assert_eq!(differences(&set(&one, ""), &set(candidate, "")), [expected], "{candidate}");
    }
    assert_eq!(differences(&set(&bound, ""), &set(&ending, "")), [attributes], "it ends");
}

#[test]
fn a_cookie_that_lasts_otherwise_is_another_one() {
    let permanent = "; expires=Fri, 24 Nov 2046 12:00:00 GMT";
    let same = |one, other| differences(&set("1", one), &set("1", other)).is_empty();
    for (one, other) in [
        (permanent, "; Expires=Mon, 19-Nov-2046 12:00:00 GMT"),
        ("; expires=Tue, 24 Nov 2026 13:00:00 GMT", "; max-age=3590"),
        ("; max-age=60; expires=Fri, 24 Nov 2046 12:00:00 GMT", "; Max-Age=60"),
        ("; max-age=0", "; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("; expires=never", ""),
    ] {
        assert!(same(one, other) && same(other, one), "{one} {other}");
    }
    for (one, other) in [
        (permanent, "; expires=Tue, 24 Nov 2026 13:00:00 GMT"),
        (permanent, "; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        (permanent, ""),
        ("; expires=Tue, 24 Nov 2026 13:00:00 GMT", "; expires=Tue, 24 Nov 2026 13:01:01 GMT"),
        ("; max-age=60", "; max-age=61"),
        ("; max-age=0", ""),
    ] {
        let expected = ["changed critical headers.set-cookie.a"];
        assert_eq!(differences(&set("1", one), &set("1", other)), expected, "{one} {other}");
    }
}

#[test]
fn each_answers_own_date_is_its_cookies_clock() {
    let answer = |date: &'static str, expires| {
        let date = Some(("date", date)).filter(|it| !it.1.is_empty());
        date.into_iter().chain(set("1", expires)).collect::<Vec<_>>()
    };
    let earlier = "Mon, 23 Nov 2026 12:00:00 GMT";
    let control = answer(earlier, "; expires=Mon, 23 Nov 2026 13:00:00 GMT");
    let stored_later =
        answer("Tue, 24 Nov 2026 12:00:00 GMT", "; expires=Tue, 24 Nov 2026 13:00:00 GMT");
    assert!(differences(&control, &stored_later).is_empty(), "an hour each");
    let dateless = answer("", "; expires=Mon, 23 Nov 2026 13:00:01 GMT");
    assert!(differences(&control, &dateless).is_empty(), "by the other's");
    let deleted = answer(earlier, "; expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(differences(&control, &deleted), ["changed critical headers.set-cookie.a"]);
}

#[test]
fn clearing_a_cookie_is_not_setting_it() {
    assert_eq!(differences(&set("1", ""), &set("", "")), ["changed critical headers.set-cookie.a"]);
    let rails = set("", "; max-age=0; expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert!(differences(&rails, &set("deleted", "; max-age=0")).is_empty(), "both take it back");
    let expected = ["changed critical headers.set-cookie.a"];
    assert_eq!(differences(&rails, &set("", "")), expected, "one leaves it there, empty");
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
