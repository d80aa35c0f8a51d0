//! Values of header fields in a form in which equal texts mean the same.

use std::{borrow::Cow, collections::BTreeSet};

use http::HeaderMap;

use super::{policy::policies, text};
use crate::compare::fingerprint::without_fingerprints;

/// What a field says, all its lines together; `None` if it is absent. Lines of a field that is not
/// known are joined in their order, as RFC 9110 §5.3 allows; `ordered` if that of others counts too.
pub(super) fn meaning<'a>(
    name: &str,
    headers: &'a HeaderMap,
    ordered: bool,
) -> Option<Cow<'a, str>> {
    let set = |members: Vec<String>| if ordered { list(members.into_iter()) } else { set(members) };
    let mut values = headers.get_all(name).iter().map(text).peekable();
    values.peek()?;
    Some(match name {
        "access-control-allow-headers"
        | "access-control-allow-methods"
        | "access-control-expose-headers"
        | "allow"
        | "cache-control"
        | "vary" => set(words(values)),
        "content-disposition" | "content-type" => list(values.map(|it| media_type(&it))),
        "content-location" | "location" => list(values.map(|it| url(&it))),
        "content-security-policy" | "content-security-policy-report-only" => {
            list(values.flat_map(|it| policies(&it)))
        }
        "etag" => list(values.map(|it| strength(&it).to_owned())),
        "link" => set(values.flat_map(|it| links(&it)).collect()),
        "strict-transport-security" => set(values.flat_map(|it| directives(&it)).collect()),
        _ => {
            let first = values.next().unwrap_or_default();
            values.fold(first, |all, it| Cow::Owned(format!("{all}, {it}")))
        }
    })
}

/// The members of a comma-separated list, in lower case.
pub(super) fn words<'a>(values: impl Iterator<Item = Cow<'a, str>>) -> Vec<String> {
    let lower = |it: &str| it.to_ascii_lowercase();
    values.flat_map(|it| split(&it, ',').map(lower).collect::<Vec<_>>()).collect()
}

fn set<'a>(members: Vec<String>) -> Cow<'a, str> {
    let set: BTreeSet<_> = members.into_iter().collect();
    set.into_iter().collect::<Vec<_>>().join(", ").into()
}

fn list<'a>(members: impl Iterator<Item = String>) -> Cow<'a, str> {
    members.collect::<Vec<_>>().join(", ").into()
}

/// The trimmed parts between separators that are not in quotes and not in `<…>`.
fn split(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut until = None;
    let parts = value.split(move |it| {
        match (until, it) {
            (None, '"') => until = Some('"'),
            (None, '<') => until = Some('>'),
            (Some(end), it) if it == end => until = None,
            _ => {}
        }
        until.is_none() && it == separator
    });
    parts.map(str::trim)
}

/// Of an entity tag (RFC 9110 §8.8.3) only how much it promises: what it stands for is the body, which
/// is compared itself.
fn strength(value: &str) -> &'static str {
    if value.starts_with("W/") { "(weak)" } else { "(strong)" }
}

/// `Text/HTML; Charset="UTF-8"` is `text/html; charset=utf-8`.
fn media_type(value: &str) -> String {
    let mut parts = split(value, ';').filter(|it| !it.is_empty());
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    [essence].into_iter().chain(parameters(parts)).collect::<Vec<_>>().join("; ")
}

fn parameters<'p>(parts: impl Iterator<Item = &'p str>) -> BTreeSet<String> {
    parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => {
                let name = name.trim().to_ascii_lowercase();
                let value = value.trim().trim_matches('"');
                // Other parameters, such as a multipart boundary, are case-sensitive.
                let folded = (name == "charset").then(|| value.to_ascii_lowercase());
                format!("{name}={}", folded.as_deref().unwrap_or(value))
            }
            None => part.to_ascii_lowercase(),
        })
        .collect()
}

/// Scheme and host in lower case, without the scheme's own port, `/` for no path (RFC 3986 §6.2). A
/// relative one, which may have another one in its query, is what it is.
fn url(value: &str) -> String {
    let absolute = value.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
    let Some((scheme, rest)) = absolute else { return value.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    let authority = authority[..host].to_owned() + &authority[host..].to_ascii_lowercase();
    let port = match &*scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let authority = authority.strip_suffix(port).unwrap_or(&authority);
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{authority}{slash}{rest}")
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
}

/// Links of RFC 8288, each with its parameters as a set, without the fingerprints of assets.
fn links(value: &str) -> Vec<String> {
    let link = |link: &str| {
        let mut parts = split(link, ';').filter(|it| !it.is_empty());
        let target = without_fingerprints(parts.next().unwrap_or_default()).into_owned();
        [target].into_iter().chain(parameters(parts)).collect::<Vec<_>>().join("; ")
    };
    split(value, ',').filter(|it| !it.is_empty()).map(link).collect()
}

fn directives(value: &str) -> Vec<String> {
    let lower = split(value, ';').filter(|it| !it.is_empty()).map(str::to_ascii_lowercase);
    lower.collect()
}
