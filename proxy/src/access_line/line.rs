//! One line of the log as a JSON object, built from known fields.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
    time::{Duration, SystemTime},
};

use super::Clock;

/// A JSON object (RFC 8259) that is appended to a buffer; dropping it closes it.
///
/// A name must need no escaping, and be given once. A field whose value is `None` is left out.
#[derive(Debug)]
pub struct Line<'a> {
    buffer: &'a mut Vec<u8>,
}

impl<'a> Line<'a> {
    /// An object without fields, behind whatever the buffer holds.
    pub fn new(buffer: &'a mut Vec<u8>) -> Self {
        buffer.push(b'{');
        Self { buffer }
    }

    /// When it happened: RFC 3339 in UTC with microseconds.
    pub fn time(&mut self, name: &'static str, at: SystemTime, clock: &mut Clock) -> &mut Self {
        self.name(name);
        self.quoted(|buffer| buffer.extend_from_slice(clock.rfc3339(at)))
    }

    /// A string.
    pub fn text<'v>(&mut self, name: &'static str, value: impl Into<Option<&'v str>>) -> &mut Self {
        let Some(value) = value.into() else { return self };
        self.name(name);
        self.quoted(|buffer| escape(buffer, value))
    }

    /// A string that came from outside. What is not UTF-8 becomes U+FFFD: JSON has no other bytes.
    pub fn bytes<'v>(
        &mut self,
        name: &'static str,
        value: impl Into<Option<&'v [u8]>>,
    ) -> &mut Self {
        let Some(value) = value.into() else { return self };
        self.name(name);
        self.quoted(|buffer| match str::from_utf8(value) {
            Ok(text) => escape(buffer, text),
            Err(_) => escape(buffer, &String::from_utf8_lossy(value)),
        })
    }

    /// What `value` displays as, as a string.
    pub fn display(&mut self, name: &'static str, value: impl fmt::Display) -> &mut Self {
        self.name(name);
        self.quoted(|buffer| {
            // Only a `Display` that fails by itself can fail here; its string then ends early.
            let _ = write!(Escaped(buffer), "{value}");
        })
    }

    /// Bytes in lower-case hexadecimal, two digits each.
    pub fn hex<'v>(&mut self, name: &'static str, value: impl Into<Option<&'v [u8]>>) -> &mut Self {
        let Some(value) = value.into() else { return self };
        self.name(name);
        self.quoted(|buffer| {
            for byte in value {
                let digit = |it: u8| b"0123456789abcdef"[usize::from(it)];
                buffer.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        })
    }

    /// A whole number.
    pub fn number(&mut self, name: &'static str, value: impl Into<Option<u64>>) -> &mut Self {
        let Some(value) = value.into() else { return self };
        self.name(name);
        self.decimal(value);
        self
    }

    /// Milliseconds with three decimals, rounded down to the microsecond.
    pub fn millis(&mut self, name: &'static str, value: impl Into<Option<Duration>>) -> &mut Self {
        let Some(value) = value.into() else { return self };
        self.name(name);
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        self.decimal(micros / 1000);
        self.buffer.push(b'.');
        let padded = 1000 + micros % 1000;
        self.buffer.extend_from_slice(&itoa::Buffer::new().format(padded).as_bytes()[1..]);
        self
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str, value: bool) -> &mut Self {
        self.name(name);
        self.buffer.extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    fn name(&mut self, name: &'static str) {
        debug_assert!(name.bytes().all(|it| !needs_escape(it)), "{name:?} needs escaping");
        if self.buffer.last() != Some(&b'{') {
            self.buffer.push(b',');
        }
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }

    fn quoted(&mut self, value: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.buffer.push(b'"');
        value(self.buffer);
        self.buffer.push(b'"');
        self
    }

    fn decimal(&mut self, value: u64) {
        self.buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.buffer.push(b'}');
    }
}

/// What is displayed, escaped piece by piece.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        escape(self.0, piece);
        Ok(())
    }
}

/// What a JSON string may not hold as it is: RFC 8259, section 7.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(buffer: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    // Without a way out, which lets the compiler look at many bytes at once. Nearly all text is so.
    if !rest.iter().fold(false, |found, it| found | needs_escape(*it)) {
        buffer.extend_from_slice(rest);
        return;
    }
    while let Some(at) = rest.iter().position(|it| needs_escape(*it)) {
        buffer.extend_from_slice(&rest[..at]);
        match rest[at] {
            special @ (b'"' | b'\\') => buffer.extend_from_slice(&[b'\\', special]),
            // Writing to a `Vec` cannot fail.
            control => drop(write!(buffer, "\\u{control:04x}")),
        }
        rest = &rest[at + 1..];
    }
    buffer.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(build: impl FnOnce(&mut Line<'_>)) -> Value {
        let mut buffer = b"before".to_vec();
        build(&mut Line::new(&mut buffer));
        serde_json::from_slice(buffer.strip_prefix(b"before").unwrap()).unwrap()
    }

    #[test]
    fn a_line_is_one_object_in_the_order_of_its_fields() {
        let mut buffer = Vec::new();
        let at = UNIX_EPOCH + Duration::from_micros(1);
        Line::new(&mut buffer)
            .time("timestamp", at, &mut Clock::default())
            .text("route", "catalog.show")
            .display("client", std::net::Ipv4Addr::LOCALHOST)
            .number("status", 200)
            .millis("total_ms", Duration::from_micros(12_034))
            .flag("complete", true);
        assert_eq!(
            String::from_utf8(buffer).unwrap(),
            r#"{"timestamp":"1970-01-01T00:00:00.000001Z","route":"catalog.show","client":"127.0.0.1","status":200,"total_ms":12.034,"complete":true}"#
        );
    }

    #[test]
    fn an_object_may_be_empty() {
        assert_eq!(read(|_| ()), json!({}));
    }

    #[test]
    fn what_is_none_is_left_out() {
        let line = read(|it| {
            it.text("a", None).bytes("b", None);
            it.number("d", None).millis("e", None).flag("f", false);
        });
        assert_eq!(line, json!({"f": false}));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let line = read(|it| {
            it.bytes("a", b"caf\xe9 \xff\xfe\"".as_slice());
        });
        assert_eq!(line, json!({"a": "caf\u{fffd} \u{fffd}\u{fffd}\""}));
    }

    #[test]
    fn an_endless_time_is_the_longest_that_is_counted() {
        let mut buffer = Vec::new();
        Line::new(&mut buffer).millis("a", Duration::MAX);
        assert_eq!(buffer, br#"{"a":18446744073709551.615}"#);
    }

    proptest! {
        #[test]
        fn every_line_reads_back(
            text: String,
            shown: String,
            bytes: Vec<u8>,
            number: u64,
            micros in 0..1_u64 << 50,
            flag: bool,
        ) {
            let line = read(|it| {
                it.text("text", text.as_str()).display("shown", &shown).bytes("bytes", &*bytes);
                it.number("number", number).millis("ms", Duration::from_micros(micros));
                it.flag("flag", flag).hex("hex", &*bytes);
            });
            let ms: f64 = format!("{}.{:03}", micros / 1000, micros % 1000).parse().unwrap();
            prop_assert_eq!(line, json!({
                "text": text,
                "shown": shown,
                "bytes": String::from_utf8_lossy(&bytes),
                "number": number,
                "ms": ms,
                "flag": flag,
                "hex": hex::encode(&bytes),
            }));
        }
    }
}
