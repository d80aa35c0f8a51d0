//! Forms of values that one answer does not share with the next.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A time of RFC 3339, as Rails writes it into JSON.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, it)| match at {
            8 | 13 | 18 | 23 => it == b'-',
            _ => it.is_ascii_hexdigit(),
        })
}

/// 64 bytes in base64: a one-time pad and the token under it, 32 bytes each. 85 characters hold
/// 510 of the 512 bits, so the last one has two bits to say, and must be `A`, `Q`, `g` or `w`.
/// (`masked_authenticity_token` in Rails' `request_forgery_protection.rb`.)
pub(crate) fn is_masked_token(text: &str) -> bool {
    let (digits, others) = match text.strip_suffix("==") {
        Some(digits) => (digits, b"+/"),
        None => (text, b"-_"),
    };
    digits.len() == 86
        && digits.bytes().all(|it| it.is_ascii_alphanumeric() || others.contains(&it))
        && digits.ends_with(['A', 'Q', 'g', 'w'])
}
