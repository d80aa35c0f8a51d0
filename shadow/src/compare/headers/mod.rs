//! Headers, compared by what they mean.

mod values;

use std::{borrow::Cow, collections::BTreeSet};

use http::{
    HeaderMap, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, SET_COOKIE, VARY, WWW_AUTHENTICATE,
    },
};

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

/// What a client acts on. (The lines of Set-Cookie are critical too.)
const CRITICAL: [http::HeaderName; 5] =
    [CACHE_CONTROL, CONTENT_TYPE, LOCATION, VARY, WWW_AUTHENTICATE];

/// Adds the differences of two answers' headers or trailers, by name; those of cookies by cookie.
pub(super) fn compare<'a>(
    root: Root,
    control: &'a HeaderMap,
    candidate: &'a HeaderMap,
    collector: &mut Collector<'a>,
) {
    let names: BTreeSet<&str> =
        control.keys().chain(candidate.keys()).map(http::HeaderName::as_str).collect();
    for name in names.into_iter().filter(|it| !is_left_out(it)) {
        let mut path = Path::at(root);
        path.push(Step::Member(name));
        if name == SET_COOKIE {
            compare_cookies(&mut path, control, candidate, collector);
        } else {
            let ordered = collector.excuses().order(&path);
            let [one, other] = [control, candidate].map(|it| meaning(name, it, ordered));
            let class = match name {
                _ if CRITICAL.iter().any(|it| it == name) => Class::Critical,
                _ => Class::Cosmetic,
            };
            found(&path, class, one, other, collector);
        }
    }
}

/// The content encodings of a body in the order in which they were applied, without `identity`.
pub(super) fn encodings(headers: &HeaderMap) -> Vec<String> {
    let mut encodings = words(headers.get_all(CONTENT_ENCODING).iter().map(text));
    encodings.retain(|it| it != "identity" && !it.is_empty());
    encodings
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name) || name.starts_with("x-banyan-")
}

/// A cookie's value is the session's business: only its name and attributes are compared.
fn compare_cookies<'a>(
    path: &mut Path<'a>,
    control: &'a HeaderMap,
    candidate: &'a HeaderMap,
    collector: &mut Collector<'a>,
) {
    let [ones, others] = [control, candidate].map(cookies);
    let names: BTreeSet<&str> = ones.iter().chain(&others).map(|(name, _)| *name).collect();
    for name in names {
        path.push(Step::Member(name));
        let [one, other] = [&ones, &others].map(|it| {
            let lines: Vec<_> =
                it.iter().filter(|it| it.0 == name).map(|it| it.1.as_str()).collect();
            (!lines.is_empty()).then(|| Cow::Owned(lines.join(", ")))
        });
        found(path, Class::Critical, one, other, collector);
        path.pop();
    }
}

fn cookies(headers: &HeaderMap) -> Vec<(&str, String)> {
    headers.get_all(SET_COOKIE).iter().map(cookie).collect()
}

/// The name of a cookie, and everything but its value in a comparable form. Of `Expires` only the
/// presence is kept, as it is counted from the clock; `Max-Age` is kept. An empty value, which
/// clears the cookie, is told from the others.
fn cookie(line: &HeaderValue) -> (&str, String) {
    let Ok(line) = line.to_str() else { return ("", line_digest(line)) };
    let mut parts = line.split(';').map(str::trim);
    let (name, value) = parts.next().and_then(|it| it.split_once('=')).unwrap_or((line, ""));
    let mut attributes: BTreeSet<String> = parts
        .filter(|it| !it.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim().to_ascii_lowercase();
            match &*name {
                "expires" => name,
                "path" => format!("path={}", value.trim()),
                _ if value.is_empty() => name,
                _ => format!("{name}={}", value.trim().to_ascii_lowercase()),
            }
        })
        .collect();
    if value.is_empty() {
        attributes.insert("(cleared)".to_owned());
    }
    (name.trim(), attributes.into_iter().collect::<Vec<_>>().join("; "))
}

/// A cookie that is not text is compared byte for byte.
fn line_digest(line: &HeaderValue) -> String {
    line.as_bytes().escape_ascii().to_string()
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
