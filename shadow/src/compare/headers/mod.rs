//! Headers, compared by what they mean.

mod cookies;
mod policy;
mod values;

use std::{borrow::Cow, collections::BTreeSet};

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_ENCODING, SET_COOKIE},
};
use time::OffsetDateTime;

pub(super) use self::policy::{Nonces, policy};
use self::values::{meaning, words};
use super::{
    Class, DifferenceKind, Fragment, Path,
    collector::Collector,
    path::{Root, Step},
};

/// Belong to one connection, to one request, or to the server.
const LEFT_OUT: [&str; 16] = [
    "age",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-powered-by",
    "x-request-id",
    "x-runtime",
];

/// What a client acts on: how it reads the answer, where it goes next, and what protects its user.
/// (The lines of Set-Cookie are critical too.)
const CRITICAL: [&str; 27] = [
    "accept-ranges",
    "allow",
    "authorization",
    "cache-control",
    "clear-site-data",
    "content-disposition",
    "content-location",
    "content-range",
    "content-security-policy",
    "content-type",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "permissions-policy",
    "referrer-policy",
    "refresh",
    "retry-after",
    "strict-transport-security",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
];

/// So begins what says whether a page of another origin may have the answer.
const CORS: &str = "access-control-";

/// Adds the differences of two answers' headers or trailers, by name; those of cookies by cookie, whose
/// clock is `now` where no answer has another one.
pub(super) fn compare<'a>(
    root: Root,
    [control, candidate]: [&'a HeaderMap; 2],
    now: OffsetDateTime,
    collector: &mut Collector<'a>,
) {
    let names: BTreeSet<&str> =
        control.keys().chain(candidate.keys()).map(http::HeaderName::as_str).collect();
    for name in names.into_iter().filter(|it| !is_left_out(it)) {
        let mut path = Path::at(root);
        path.push(Step::Member(name));
        if name == SET_COOKIE {
            cookies::compare(&mut path, [control, candidate], now, collector);
        } else {
            let ordered = collector.excuses().order(&path);
            let [one, other] = [control, candidate].map(|it| meaning(name, it, ordered));
            found(&path, class(name), one, other, collector);
        }
    }
}

/// The content encodings of a body in the order in which they were applied, without `identity`.
pub(super) fn encodings(headers: &HeaderMap) -> Vec<String> {
    let mut encodings = words(headers.get_all(CONTENT_ENCODING).iter().map(text));
    encodings.retain(|it| it != "identity" && !it.is_empty());
    encodings
}

fn class(name: &str) -> Class {
    if CRITICAL.contains(&name) || name.starts_with(CORS) {
        Class::Critical
    } else {
        Class::Cosmetic
    }
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name) || name.starts_with("x-banyan-")
}

/// A value as text; bytes that are none are escaped, so that different values stay different.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => text.trim().into(),
        Err(_) => value.as_bytes().escape_ascii().to_string().into(),
    }
}

fn found<'a>(
    path: &Path<'a>,
    class: Class,
    control: Option<Cow<'a, str>>,
    candidate: Option<Cow<'a, str>>,
    collector: &mut Collector<'a>,
) {
    if let (Some(one), Some(other)) = (&control, &candidate) {
        collector.paired(path, one, other);
    }
    let kind = match (&control, &candidate) {
        (Some(one), Some(other)) if one == other => return,
        (None, None) => return,
        (Some(_), Some(_)) => DifferenceKind::Changed,
        (Some(_), None) => DifferenceKind::Missing,
        (None, Some(_)) => DifferenceKind::Extra,
    };
    let [control, candidate] = [control, candidate].map(|it| it.map(Fragment::Header));
    collector.found(path, kind, class, control, candidate);
}

#[cfg(test)]
mod tests;
