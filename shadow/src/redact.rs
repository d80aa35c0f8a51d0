//! What a sample may show of a buyer's data: shapes and keyed hashes, unless a path is revealed.
//!
//! A hash is the first eight hexadecimal digits of an HMAC-SHA256 (RFC 2104) under a key that the
//! store keeps, so that equal values can be recognised across samples and restarts, and nobody
//! without the store can try values out.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    Observation,
    compare::{Fragment, Path, PathPattern, Root, Step, Value, document, is_uuid, parse_time},
    sensitive::is_sensitive,
};

/// A stored body is cut after so many bytes, and says so.
const BODY_LIMIT: usize = 16 * 1024;

/// Longer path segments and member names may be data.
const NAME_LIMIT: usize = 40;

/// Redacts what goes into samples.
#[derive(Clone)]
pub(crate) struct Redactor {
    key: [u8; 32],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The value at a difference's path.
    pub(crate) fn fragment(
        &self,
        fragment: &Fragment<'_>,
        path: &Path<'_>,
        reveal: &[PathPattern],
    ) -> String {
        let mut text = String::new();
        match fragment {
            Fragment::Status(status) => text.push_str(status.as_str()),
            Fragment::Header(value) if is_shown(path, reveal, value) => text.push_str(value),
            Fragment::Header(value) => self.shape(&mut text, "text", value),
            Fragment::Text(value) if is_shown(path, reveal, value) => text.push_str(value),
            Fragment::Text(value) => self.shape(&mut text, "text", value),
            Fragment::Element(element) => self.shape(&mut text, "element", &element.excerpt()),
            Fragment::Body(body) => self.bytes(&mut text, body),
            Fragment::Json(value) => {
                let mut path = path.clone();
                self.json(&mut text, value, &mut path, reveal, 0);
            }
        }
        cut(text)
    }

    /// What `show` makes of a difference's path, in which names that may be data are redacted.
    pub(crate) fn path(&self, path: &Path<'_>, show: impl FnOnce(&Path<'_>) -> String) -> String {
        let redacted = |name: &str| {
            let mut text = String::new();
            self.name(&mut text, name);
            text
        };
        let names: Vec<_> = path.names().map(redacted).collect();
        show(&path.renamed(&names))
    }

    /// An answer's body: a JSON document with every value redacted, or the size of anything else.
    pub(crate) fn body(&self, observation: &Observation, reveal: &[PathPattern]) -> String {
        let mut text = String::new();
        match document(observation) {
            Some(value) => self.json(&mut text, &value, &mut Path::at(Root::Document), reveal, 0),
            None => self.bytes(&mut text, &observation.body),
        }
        cut(text)
    }

    /// A request's path and query: segments that may be data, and every value of the query, redacted.
    pub(crate) fn target(&self, target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut text = String::new();
        for (index, segment) in path.split('/').enumerate() {
            if index > 0 {
                text.push('/');
            }
            self.name(&mut text, segment);
        }
        for (index, pair) in query.split('&').filter(|it| !it.is_empty()).enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            // Without a name it is all value: a token, often.
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            if pair.contains('=') {
                self.name(&mut text, name);
                text.push('=');
            }
            if !value.is_empty() {
                self.shape(&mut text, "text", value);
            }
        }
        text
    }

    fn json<'a>(
        &self,
        text: &mut String,
        value: &'a Value<'a>,
        path: &mut Path<'a>,
        reveal: &[PathPattern],
        depth: usize,
    ) {
        if text.len() > BODY_LIMIT {
            return;
        }
        match value {
            Value::Null => text.push_str("null"),
            Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) if is_shown(path, reveal, number) => text.push_str(number),
            Value::Number(number) => self.shape(text, "number", number),
            Value::String(string) if is_shown(path, reveal, string) => {
                // Writing to a String cannot fail.
                let _ = write!(text, "{string:?}");
            }
            Value::String(string) if is_uuid(string) => self.hashed(text, "uuid", string),
            Value::String(string) if parse_time(string).is_some() => {
                self.hashed(text, "time", string);
            }
            Value::String(string) => self.shape(text, "text", string),
            Value::Array(elements) => {
                let elements = elements.iter().enumerate();
                self.nested(text, ['[', ']'], depth, elements, |it, text, (index, element)| {
                    path.push(Step::Element(index));
                    it.json(text, element, path, reveal, depth + 1);
                    path.pop();
                });
            }
            Value::Object(members) => {
                self.nested(text, ['{', '}'], depth, members.iter(), |it, text, (name, member)| {
                    it.name(text, name);
                    text.push_str(": ");
                    path.push(Step::Member(name));
                    it.json(text, member, path, reveal, depth + 1);
                    path.pop();
                });
            }
        }
    }

    /// One line for each item, indented.
    fn nested<T>(
        &self,
        text: &mut String,
        [open, close]: [char; 2],
        depth: usize,
        items: impl ExactSizeIterator<Item = T>,
        mut each: impl FnMut(&Self, &mut String, T),
    ) {
        text.push(open);
        let count = items.len();
        for (index, item) in items.enumerate() {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth + 1));
            each(self, text, item);
            if index + 1 < count {
                text.push(',');
            }
        }
        if count > 0 {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
        text.push(close);
    }

    /// A name, unless it looks like data.
    fn name(&self, text: &mut String, name: &str) {
        let plain = |it: u8| {
            it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b'~' | b'[' | b']')
        };
        if name.len() <= NAME_LIMIT && name.bytes().all(plain) && !is_sensitive(None, name) {
            text.push_str(name);
        } else {
            self.shape(text, "name", name);
        }
    }

    fn bytes(&self, text: &mut String, body: &[u8]) {
        let hash = self.hash(body);
        let _ = write!(text, "‹{} bytes #{hash}›", body.len());
    }

    fn shape(&self, text: &mut String, what: &str, value: &str) {
        let (length, hash) = (value.chars().count(), self.hash(value.as_bytes()));
        let _ = write!(text, "‹{what} of {length} #{hash}›");
    }

    fn hashed(&self, text: &mut String, what: &str, value: &str) {
        let hash = self.hash(value.as_bytes());
        let _ = write!(text, "‹{what} #{hash}›");
    }

    fn hash(&self, value: &[u8]) -> String {
        hex::encode(&self.keyed(&[value])[..4])
    }

    /// By which equal requests are recognised, and nothing else of them.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> u64 {
        let hash = self.keyed(parts);
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A line end stands in none of the parts, but maybe in the last.
    fn keyed(&self, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            // HMAC takes keys of any length.
            return [0; 32];
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                mac.update(b"\n");
            }
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Whether a request's path and query hold anything that samples do not show: a value of the query, or
/// a segment that may be a buyer's.
pub fn holds_values(target: &str) -> bool {
    Redactor::new([0; 32]).target(target) != target
}

/// Whether a route reveals the value, and nobody would mind.
fn is_shown(path: &Path<'_>, reveal: &[PathPattern], value: &str) -> bool {
    reveal.iter().any(|it| it.matches(path)) && !is_sensitive(path.names().last(), value)
}

/// Cuts a text that is too long between two characters, and says so.
fn cut(mut text: String) -> String {
    if text.len() > BODY_LIMIT {
        let mut end = BODY_LIMIT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("\n… cut after 16 KiB");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    fn answer(body: impl Into<Bytes>) -> Observation {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Observation { status: StatusCode::OK, headers, body: body.into(), took: Duration::ZERO }
    }

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    #[test]
    fn values_become_shapes_and_revealed_ones_stay() {
        let body =
            r#"{"email":"a@b.test","price":"19.9","n":42,"ok":true,"none":null,"list":["x"]}"#;
        let reveal = [PathPattern::parse("$.price").unwrap()];
        let text = redactor().body(&answer(body), &reveal);
        for gone in ["a@b.test", "42", "\"x\""] {
            assert!(!text.contains(gone), "{gone} is in {text}");
        }
        for kept in [
            "email: ‹text of 8 #",
            "price: \"19.9\"",
            "n: ‹number of 2 #",
            "ok: true",
            "none: null",
        ] {
            assert!(text.contains(kept), "{kept} is not in {text}");
        }
    }

    #[test]
    fn what_is_revealed_by_mistake_is_hidden_all_the_same() {
        let body = r#"{"note":"a@b.test","card_number":1,"title":"4242 4242 4242 4242","price":2}"#;
        let reveal = [PathPattern::parse("$.*").unwrap()];
        let text = redactor().body(&answer(body), &reveal);
        for gone in ["a@b.test", "card_number: 1", "4242"] {
            assert!(!text.contains(gone), "{gone} is in {text}");
        }
        assert!(text.contains("price: 2"), "{text}");
    }

    #[test]
    fn equal_values_have_equal_hashes_under_one_key_only() {
        let redact = |key, text: &str| Redactor::new([key; 32]).hash(text.as_bytes());
        assert_eq!(redact(1, "secret"), redact(1, "secret"));
        assert_ne!(redact(1, "secret"), redact(1, "other"));
        assert_ne!(redact(1, "secret"), redact(2, "secret"));
    }

    #[test]
    fn a_target_keeps_its_shape_and_no_value() {
        let target = redactor().target("/orders/42/a%40b.test?token=abc&page=");
        assert!(target.starts_with("/orders/42/‹name of 10 #"), "{target}");
        assert!(target.contains("?token=‹text of 3 #") && target.ends_with("&page="), "{target}");
        let target = redactor().target("/password_resets/8hN2kq0Vw3Zt5LrX9bCd7eFg1a?8hN2kq");
        assert!(target.starts_with("/password_resets/‹name of 26 #"), "{target}");
        assert!(target.contains("?‹text of 6 #"), "{target}");
    }

    #[test]
    fn names_that_look_like_data_are_redacted_too() {
        let text = redactor().body(&answer(r#"{"a@b.test":1}"#), &[]);
        assert!(!text.contains("a@b.test"), "{text}");
    }

    #[test]
    fn a_long_body_is_cut_and_says_so_and_other_bodies_are_only_measured() {
        let long = format!("[{}0]", "1,".repeat(20_000));
        let text = redactor().body(&answer(long), &[]);
        assert!(text.len() < BODY_LIMIT + 100 && text.ends_with("cut after 16 KiB"));
        let text = redactor().body(&answer("no json"), &[]);
        assert!(text.starts_with("‹7 bytes #"), "{text}");
    }
}
