//! Cookies that answers set (RFC 6265, §4.1): by name, by attributes, by how long they last, and by
//! value where that means something.

mod lifetime;
mod value;

use std::{borrow::Cow, collections::BTreeSet};

use http::{
    HeaderMap, HeaderValue,
    header::{DATE, SET_COOKIE},
};
use percent_encoding::percent_decode_str;
use time::OffsetDateTime;

use self::{
    lifetime::{Lifetime, parse_date},
    value::Contents,
};
use super::{Class, Collector, Path, Step, found};

/// What a cookie's value is compared at, below the cookie: `headers.set-cookie.locale.value`.
const VALUE: &str = "value";

/// What one line says of a cookie, in a comparable form.
struct Cookie<'a> {
    name: &'a str,
    /// All but those that say how long it lasts.
    attributes: BTreeSet<String>,
    lasts: Lifetime,
    /// How long Rails takes what is signed in it.
    holds: Lifetime,
    /// Neither taken back nor emptied.
    is_set: bool,
    /// `None` for one that says nothing to anybody but who set it.
    value: Option<Cow<'a, str>>,
}

/// Adds the differences of the cookies that two answers set; a cookie that is set twice is compared
/// with both its lines. `path` is theirs. Each answer's `Date` is the clock of its cookies, or the
/// other's; where none of them says when it was made, it was `now`.
pub(super) fn compare<'a>(
    path: &mut Path<'a>,
    [control, candidate]: [&'a HeaderMap; 2],
    now: OffsetDateTime,
    collector: &mut Collector<'a>,
) {
    let [ones, others] = [(control, candidate), (candidate, control)].map(|(headers, beside)| {
        cookies(headers, made(headers).or_else(|| made(beside)).unwrap_or(now))
    });
    let names: BTreeSet<&str> = ones.iter().chain(&others).map(|it| it.name).collect();
    for name in names {
        path.push(Step::Member(name));
        let [ones, others] =
            [&ones, &others].map(|it| it.iter().filter(|it| it.name == name).collect::<Vec<_>>());
        let [one, other] = [attributes(&ones, &ones), attributes(&others, &ones)];
        found(path, Class::Critical, one, other, collector);
        let is_set = |lines: &[&Cookie<'_>]| !lines.is_empty() && lines.iter().all(|it| it.is_set);
        if is_set(&ones) && is_set(&others) {
            let [one, other] = [ones, others].map(|it| values(&it));
            path.push(Step::Member(VALUE));
            found(path, Class::Critical, one, other, collector);
            path.pop();
        }
        path.pop();
    }
}

/// When an answer was made, as it says itself.
fn made(headers: &HeaderMap) -> Option<OffsetDateTime> {
    headers.get(DATE).and_then(|it| it.to_str().ok()).and_then(parse_date)
}

/// The attributes of all lines. One that lasts as long as the line in its place `beside` it is written
/// as that is.
fn attributes(lines: &[&Cookie<'_>], beside: &[&Cookie<'_>]) -> Option<Cow<'static, str>> {
    let text = |(at, it): (usize, &&Cookie<'_>)| {
        let beside = beside.get(at).unwrap_or(it);
        let (lasts, holds) = (it.lasts.seen_as(beside.lasts), it.holds.seen_as(beside.holds));
        let mut attributes = it.attributes.clone();
        attributes.extend(lasts.text("max-age").into_iter().chain(holds.text("(holds)")));
        attributes.into_iter().collect::<Vec<_>>().join("; ")
    };
    joined(lines.iter().enumerate().map(text))
}

fn values(lines: &[&Cookie<'_>]) -> Option<Cow<'static, str>> {
    joined(lines.iter().filter_map(|it| it.value.as_deref().map(str::to_owned)))
}

fn joined(texts: impl Iterator<Item = String>) -> Option<Cow<'static, str>> {
    let texts: Vec<_> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", ").into())
}

fn cookies(headers: &HeaderMap, made: OffsetDateTime) -> Vec<Cookie<'_>> {
    headers.get_all(SET_COOKIE).iter().map(|it| cookie(it, made)).collect()
}

fn cookie(line: &HeaderValue, made: OffsetDateTime) -> Cookie<'_> {
    let Ok(line) = line.to_str() else { return unreadable(line) };
    let mut parts = line.split(';').map(str::trim);
    let (name, value) = parts.next().and_then(|it| it.split_once('=')).unwrap_or((line, ""));
    let mut attributes = BTreeSet::new();
    let (mut expires, mut max_age) = (None, None);
    for part in parts.filter(|it| !it.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match &*name {
            // Of each the last one counts that can be read.
            "expires" => expires = parse_date(value).or(expires),
            "max-age" => max_age = Lifetime::counted(value).or(max_age),
            "path" => _ = attributes.insert(format!("path={value}")),
            // A dot in front means nothing (RFC 6265, §5.2.3), nor does a domain without a name.
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                attributes.extend((!value.is_empty()).then(|| format!("domain={domain}")));
            }
            _ if value.is_empty() => _ = attributes.insert(name),
            _ => _ = attributes.insert(format!("{name}={}", value.to_ascii_lowercase())),
        }
    }
    let until = |end: Option<OffsetDateTime>| end.map(|it| Lifetime::until(it, made));
    let lasts = max_age.or(until(expires)).unwrap_or_default();
    let value = percent_decode_str(value.trim()).decode_utf8_lossy();
    let is_set = !value.is_empty() && lasts != Lifetime::Over;
    let Contents { text, marks, until: end } =
        if is_set { Contents::of(value) } else { Contents::default() };
    attributes.extend(marks);
    if !is_set && lasts != Lifetime::Over {
        attributes.insert("(cleared)".to_owned());
    }
    let holds = until(end).unwrap_or_default();
    Cookie { name: name.trim(), attributes, lasts, holds, is_set, value: text }
}

/// What is no text is compared byte for byte.
fn unreadable(line: &HeaderValue) -> Cookie<'_> {
    Cookie {
        name: "",
        attributes: BTreeSet::from([line.as_bytes().escape_ascii().to_string()]),
        lasts: Lifetime::Session,
        holds: Lifetime::Session,
        is_set: true,
        value: None,
    }
}
