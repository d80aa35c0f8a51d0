//! What means nothing in HTML, or is made anew for each page.

use std::{borrow::Cow, collections::BTreeSet};

use crate::compare::{
    fingerprint::without_fingerprints,
    headers::{Nonces, policy},
    rule::is_masked_token,
};

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

/// Attributes to which Rails gives their own names as values, as it does to those above (`BOOLEAN_ATTRIBUTES`
/// in actionview's `tag_helper.rb`), though they are none, or no more: any other value may say something else.
const NAMED: [&str; 20] = [
    "allowpaymentrequest",
    "compact",
    "declare",
    "defaultchecked",
    "defaultmuted",
    "defaultselected",
    "enabled",
    "hidden",
    "indeterminate",
    "nohref",
    "noresize",
    "noshade",
    "nowrap",
    "pauseonexit",
    "scoped",
    "seamless",
    "sortable",
    "truespeed",
    "typemustmatch",
    "visible",
];

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
        "charset" if tag == "meta" => value.to_ascii_lowercase().into(),
        _ if BOOLEAN.binary_search(&name).is_ok() => "".into(),
        _ if name.eq_ignore_ascii_case(value) && NAMED.contains(&name) => "".into(),
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
