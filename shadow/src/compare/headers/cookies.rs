//! Cookies that answers set (RFC 6265, §4.1): by name, attributes, and value where that means
//! something.

use std::{borrow::Cow, collections::BTreeSet};

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use percent_encoding::percent_decode_str;

use super::{Class, Collector, Path, Step, found};

/// A value of so many signs that mixes letters and digits is random, or as good.
const OPAQUE: usize = 16;

/// What a cookie's value is compared at, below the cookie: `headers.set-cookie.locale.value`.
const VALUE: &str = "value";

/// What one line says of a cookie, in a comparable form.
struct Cookie<'a> {
    name: &'a str,
    attributes: String,
    value: Value<'a>,
}

enum Value<'a> {
    /// Empty: the cookie is taken back, which its attributes say.
    Cleared,
    /// Says nothing to anybody but who set it.
    Sealed,
    Plain(Cow<'a, str>),
}

/// Adds the differences of the cookies that two answers set; a cookie that is set twice is compared
/// with both its lines. `path` is theirs.
pub(super) fn compare<'a>(
    path: &mut Path<'a>,
    control: &'a HeaderMap,
    candidate: &'a HeaderMap,
    collector: &mut Collector<'a>,
) {
    let [ones, others] = [control, candidate].map(cookies);
    let names: BTreeSet<&str> = ones.iter().chain(&others).map(|it| it.name).collect();
    for name in names {
        path.push(Step::Member(name));
        let lines = [&ones, &others].map(|it| it.iter().filter(|it| it.name == name));
        let [one, other] = lines.clone().map(|it| attributes(it));
        found(path, Class::Critical, one, other, collector);
        if lines.clone().into_iter().all(|mut it| it.next().is_some())
            && !lines.clone().into_iter().flatten().any(|it| matches!(it.value, Value::Cleared))
        {
            let [one, other] = lines.map(|it| values(it));
            path.push(Step::Member(VALUE));
            found(path, Class::Critical, one, other, collector);
            path.pop();
        }
        path.pop();
    }
}

fn attributes<'c, 'a: 'c>(
    lines: impl Iterator<Item = &'c Cookie<'a>>,
) -> Option<Cow<'static, str>> {
    joined(lines.map(|it| it.attributes.as_str()))
}

fn values<'c, 'a: 'c>(lines: impl Iterator<Item = &'c Cookie<'a>>) -> Option<Cow<'static, str>> {
    joined(lines.filter_map(|it| match &it.value {
        Value::Plain(value) => Some(&**value),
        Value::Cleared | Value::Sealed => None,
    }))
}

fn joined<'c>(texts: impl Iterator<Item = &'c str>) -> Option<Cow<'static, str>> {
    let texts: Vec<_> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", ").into())
}

fn cookies(headers: &HeaderMap) -> Vec<Cookie<'_>> {
    headers.get_all(SET_COOKIE).iter().map(cookie).collect()
}

/// Of `Expires` only the presence is kept, as it is counted from the clock; `Max-Age` is kept. An
/// empty value, which clears the cookie, is told from the others.
fn cookie(line: &HeaderValue) -> Cookie<'_> {
    let Ok(line) = line.to_str() else {
        // What is no text is compared byte for byte.
        let attributes = line.as_bytes().escape_ascii().to_string();
        return Cookie { name: "", attributes, value: Value::Sealed };
    };
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
    let value = percent_decode_str(value.trim()).decode_utf8_lossy();
    let value = match value {
        it if it.is_empty() => {
            attributes.insert("(cleared)".to_owned());
            Value::Cleared
        }
        it if is_opaque(&it) => Value::Sealed,
        it => Value::Plain(it),
    };
    let attributes = attributes.into_iter().collect::<Vec<_>>().join("; ");
    Cookie { name: name.trim(), attributes, value }
}

/// Encrypted or signed (of Rails' both kinds the parts are joined by `--`), or random: another one
/// each time, and equal ones would not say much. What the monolith's session holds is compared
/// elsewhere, as an attribute.
fn is_opaque(value: &str) -> bool {
    let has = |is: fn(&u8) -> bool| value.bytes().any(|it| is(&it));
    let is_random = value.len() >= OPAQUE
        && value.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_+/.=~".contains(&it))
        && has(u8::is_ascii_alphabetic)
        && has(u8::is_ascii_digit);
    is_random || value.contains("--")
}
