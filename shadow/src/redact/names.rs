//! Which names are names. That of a member, a field or an element is mostly a word of a program, but
//! it can be data: in an object by e-mail address, in an attribute that was not quoted.

use html5ever::LocalName;

use crate::{
    compare::{Path, Root, Step},
    sensitive::is_personal,
};

/// Longer names may be data.
const LIMIT: usize = 40;

/// A name with more digits may be a number of somebody or something.
const DIGITS: usize = 3;

/// The names of HTML that have seven letters or less; the parser has a list of the longer ones.
const SHORT: [&str; 202] = [
    "a", "abbr", "accept", "action", "address", "align", "allow", "alt", "area", "article", "as",
    "aside", "async", "audio", "b", "base", "bdi", "bdo", "body", "br", "button", "canvas",
    "caption", "center", "charset", "checked", "cite", "class", "code", "col", "color", "cols",
    "colspan", "content", "coords", "cx", "cy", "d", "data", "dd", "del", "details", "dfn",
    "dialog", "dir", "div", "dl", "dt", "em", "embed", "figure", "fill", "font", "footer", "for",
    "form", "frame", "g", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "headers",
    "height", "hgroup", "hidden", "high", "hr", "href", "html", "i", "icon", "id", "iframe", "img",
    "inert", "input", "ins", "is", "ismap", "itemid", "itemref", "kbd", "kind", "label", "lang",
    "legend", "li", "line", "link", "list", "loop", "low", "main", "map", "mark", "max", "media",
    "menu", "meta", "meter", "method", "min", "muted", "name", "nav", "nonce", "object", "ol",
    "onclick", "onload", "open", "optimum", "option", "output", "p", "param", "part", "path",
    "pattern", "picture", "ping", "points", "poster", "pre", "preload", "q", "r", "rect", "rel",
    "rev", "role", "rows", "rowspan", "rp", "rt", "ruby", "rx", "ry", "s", "samp", "sandbox",
    "scope", "script", "search", "section", "select", "shape", "size", "sizes", "slot", "small",
    "source", "span", "src", "srcdoc", "srclang", "srcset", "start", "step", "stroke", "strong",
    "style", "sub", "summary", "sup", "svg", "table", "target", "tbody", "td", "text", "tfoot",
    "th", "thead", "time", "title", "tr", "track", "type", "u", "ul", "use", "usemap", "value",
    "var", "video", "viewBox", "viewbox", "wbr", "width", "wrap", "x", "x1", "x2", "y", "y1", "y2",
];

/// The names on a path, each with whether it may be shown.
pub(super) fn judged<'a>(path: &Path<'a>) -> impl Iterator<Item = (&'a str, bool)> {
    let is_html = is_html(path);
    path.steps().iter().filter_map(move |step| match step {
        Step::Member(name) => Some((*name, is_plain(name))),
        Step::Attribute(name) => {
            Some((*name, if is_html { is_attribute(name) } else { is_plain(name) }))
        }
        Step::Child(child) => {
            let tag = child.tag;
            Some((tag, if is_html { is_known(tag) } else { is_plain(tag) }))
        }
        Step::Element(_) | Step::Text => None,
    })
}

/// Whether a name is written as programs write them: a letter or `_` first, then also digits and `-`;
/// in the name of a form's field, keys in brackets behind it.
pub(crate) fn is_plain(name: &str) -> bool {
    let begins = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let (word, keys) = name.find('[').map_or((name, "[]"), |at| name.split_at(at));
    let keys = keys.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    begins
        && name.len() <= LIMIT
        && digits <= DIGITS
        && is_word(word)
        && keys.is_some_and(|it| it.split("][").all(is_word))
        && !is_personal(name)
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
}

/// The parser gives every page a head and a body, whatever the page is made of.
fn is_html(path: &Path<'_>) -> bool {
    let first = path.steps().first();
    path.root() == Root::Markup
        && matches!(first, Some(Step::Child(it)) if matches!(it.tag, "head" | "body" | "frameset"))
}

/// In HTML what was not escaped becomes elements and attributes, so only the names that the standard
/// knows are names.
fn is_known(name: &str) -> bool {
    SHORT.binary_search(&name).is_ok() || LocalName::try_static(name).is_some()
}

fn is_attribute(name: &str) -> bool {
    let is_named = ["aria-", "data-"].iter().any(|it| name.starts_with(it));
    is_known(name) || (is_named && is_plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_programs_are_names() {
        for name in [
            "price",
            "unit_price",
            "x-request-id",
            "street2",
            "_method",
            "user[email]",
            "createdAt",
            "lines[0][quantity]",
            "ids[]",
            "productVariantSerializerForAdmin",
        ] {
            assert!(is_plain(name), "{name}");
        }
    }

    #[test]
    fn what_may_be_data_is_no_name() {
        for name in [
            "",
            "a@b.test",
            "jane.doe",
            "Jane Doe",
            "4711",
            "quantities[4711]",
            "jane[",
            "a]b[c",
            "buyer4711",
            "Zoë",
            "8hN2kq0Vw3Zt5LrX9bCd7eFg1a",
            "HqjWcArsyknBDwnUtXXa",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn in_a_page_only_the_names_of_the_standard_are_names() {
        for name in ["href", "onclick", "data-cart", "aria-label"] {
            assert!(is_attribute(name), "{name}");
        }
        for name in ["beeblebrox", "jane", "data-a@b.test"] {
            assert!(!is_attribute(name), "{name}");
        }
        assert!(is_known("textarea") && is_known("nav") && !is_known("zaphod"));
    }
}
