//! What means nothing in HTML, or is made anew for each page.

use std::{borrow::Cow, collections::BTreeSet};

use crate::compare::{
    fingerprint::without_fingerprints,
    headers::{Nonces, policy},
    rule::is_masked_token,
};

/// Elements that stand in a line of text (HTML §3.2.5.2.5, phrasing content that is shown there).
const INLINE: [&str; 41] = [
    "a", "abbr", "audio", "b", "bdi", "bdo", "button", "canvas", "cite", "code", "data", "del",
    "dfn", "em", "i", "img", "input", "ins", "kbd", "label", "mark", "meter", "output", "picture",
    "progress", "q", "s", "samp", "select", "slot", "small", "span", "strong", "sub", "sup", "svg",
    "textarea", "time", "u", "var", "video",
];

/// Attributes that are there or not, whatever their value (HTML §2.3.2).
const BOOLEAN: [&str; 24] = [
    "allowfullscreen",
    "async",
    "autofocus",
    "autoplay",
    "checked",
    "controls",
    "default",
    "defer",
    "disabled",
    "formnovalidate",
    "inert",
    "ismap",
    "itemscope",
    "loop",
    "multiple",
    "muted",
    "nomodule",
    "novalidate",
    "open",
    "playsinline",
    "readonly",
    "required",
    "reversed",
    "selected",
];

pub(super) fn is_inline(tag: &str) -> bool {
    INLINE.binary_search(&tag).is_ok()
}

pub(super) fn keeps_white_space(tag: &str) -> bool {
    matches!(tag, "pre" | "script" | "style" | "textarea")
}

/// Every run of white space as one space, and none at the ends that are said to be edges.
pub(super) fn collapse(text: Cow<'_, str>, start: bool, end: bool) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => {
            let trimmed = trim(text, start, end);
            let is_plain = !trimmed.contains(|it| is_space(it) && it != ' ');
            if is_plain && !trimmed.contains("  ") {
                trimmed.into()
            } else {
                squeeze(trimmed).into()
            }
        }
        Cow::Owned(text) => squeeze(trim(&text, start, end)).into(),
    }
}

fn trim(text: &str, start: bool, end: bool) -> &str {
    let text = if start { text.trim_start_matches(is_space) } else { text };
    if end { text.trim_end_matches(is_space) } else { text }
}

fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for it in text.chars() {
        if !is_space(it) {
            squeezed.push(it);
        } else if !squeezed.ends_with(' ') {
            squeezed.push(' ');
        }
    }
    squeezed
}

/// ASCII white space as HTML has it; a non-breaking space is shown.
const fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// The value of an attribute, without what means nothing. The nonces are those of the answer.
pub(super) fn attribute<'a>(
    tag: &str,
    attributes: &[(String, String)],
    name: &str,
    value: &'a str,
    nonces: &Nonces,
) -> Cow<'a, str> {
    match name {
        "class" => {
            let classes: BTreeSet<_> = value.split_ascii_whitespace().collect();
            classes.into_iter().collect::<Vec<_>>().join(" ").into()
        }
        "nonce" if !value.is_empty() => nonces.told(value).into(),
        "content" | "value" if is_masked_token(value) && is_token(tag, attributes) => {
            "(token)".into()
        }
        "content" if !value.is_empty() && is_named(tag, "meta", attributes, "csp-nonce") => {
            nonces.told(value).into()
        }
        "content" if is_policy(tag, attributes) => policy(value).into(),
        "action" | "data" | "href" | "poster" | "src" | "srcset" => without_fingerprints(value),
        _ if BOOLEAN.binary_search(&name).is_ok() => "".into(),
        _ => value.into(),
    }
}

/// Whether an element's `content` is a Content-Security-Policy, as far as its name and attributes say.
pub(super) fn is_policy(tag: &str, attributes: &[(String, String)]) -> bool {
    let is_equivalent = |(name, value): &(String, String)| {
        name == "http-equiv" && value.eq_ignore_ascii_case("content-security-policy")
    };
    tag == "meta" && attributes.iter().any(is_equivalent)
}

/// Where Rails puts CSRF tokens: `csrf_meta_tags` and the hidden field of `form_with`.
fn is_token(tag: &str, attributes: &[(String, String)]) -> bool {
    is_named(tag, "meta", attributes, "csrf-token")
        || is_named(tag, "input", attributes, "authenticity_token")
}

fn is_named(tag: &str, must: &str, attributes: &[(String, String)], name: &str) -> bool {
    tag == must && attributes.iter().any(|(key, value)| key == "name" && value == name)
}
