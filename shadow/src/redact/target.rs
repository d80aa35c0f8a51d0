//! A request's path and query. What of a path is literal, only the route's template knows.

use http::Method;
use percent_encoding::percent_decode_str;

use super::{Redactor, names};
use crate::{
    compare::{Path, PathPattern, Root, Step},
    sensitive::is_personal,
};

/// The methods that mean something to an application (RFC 9110 §9, RFC 5789); `-` is that of a head
/// that could not be read.
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "-"];

/// The method's name, or `OTHER`: a method can be any word that a client sends.
pub fn method_name(method: &Method) -> &'static str {
    METHODS.into_iter().find(|it| *it == method).unwrap_or("OTHER")
}

impl Redactor {
    /// A request's path and query without values: of the path what stands in the route's template,
    /// of the query the names. `reveal` may name `request.path.NAME` and `request.query.NAME`.
    pub(crate) fn target(&self, template: &str, target: &str, reveal: &[PathPattern]) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut text = String::new();
        let mut template = segments(template).peekable();
        for segment in segments(path) {
            text.push('/');
            // What a last `{name...}` or `*` stands for is more than one segment.
            let is_rest = template.peek().is_some_and(|it| it.ends_with("...}") || *it == "*");
            let known = if is_rest { template.peek().copied() } else { template.next() };
            self.segment(&mut text, known.unwrap_or("*"), segment, reveal);
        }
        if text.is_empty() {
            text.push('/');
        }
        for (index, pair) in query.split('&').filter(|it| !it.is_empty()).enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            self.pair(&mut text, pair, reveal);
        }
        text
    }

    /// One segment of a path, and the template's segment in its place.
    fn segment(&self, text: &mut String, known: &str, segment: &str, reveal: &[PathPattern]) {
        let parameter = known.strip_prefix('{').and_then(|it| it.split_once('}'));
        let Some((name, suffix)) = parameter else {
            if known == segment && known != "*" {
                return text.push_str(segment);
            }
            return self.key.text(text, segment);
        };
        let (value, suffix) =
            segment.strip_suffix(suffix).map_or((segment, ""), |value| (value, suffix));
        self.value(text, ["path", name.trim_end_matches('.')], value, reveal);
        text.push_str(suffix);
    }

    fn pair(&self, text: &mut String, pair: &str, reveal: &[PathPattern]) {
        // Without a name it is all value: a token, often.
        let Some((name, value)) = pair.split_once('=') else { return self.key.text(text, pair) };
        let name = percent_decode_str(name).decode_utf8_lossy();
        self.name(text, &name, names::is_plain(&name));
        text.push('=');
        if !value.is_empty() {
            self.value(text, ["query", &name], value, reveal);
        }
    }

    fn value(&self, text: &mut String, place: [&str; 2], value: &str, reveal: &[PathPattern]) {
        if is_revealed(place, value, reveal) {
            text.push_str(value);
        } else {
            self.key.text(text, value);
        }
    }
}

/// Whether a value of a request may be shown: at `["path", NAME]` or at `["query", NAME]`.
pub(crate) fn is_revealed(place: [&str; 2], value: &str, reveal: &[PathPattern]) -> bool {
    let mut path = Path::at(Root::Request);
    for it in place {
        path.push(Step::Member(it));
    }
    // A form writes a blank as a plus.
    super::is_shown(&path, reveal, value) && !is_personal(&value.replace('+', " "))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(template: &str, target: &str, reveal: &[&str]) -> String {
        let reveal: Vec<_> =
            reveal.iter().map(|it| PathPattern::parse_revealed(it).unwrap()).collect();
        Redactor::new([7; 32]).target(template, target, &reveal)
    }

    #[test]
    fn only_what_the_template_says_is_shown_of_a_path() {
        for (template, path, begins) in [
            ("/orders/{id}", "/orders/42", "/orders/‹digits of 1–8 #"),
            ("/buyers/{name}", "//buyers/jane-doe/", "/buyers/‹text of 1–8 #"),
            ("/buyers/{name}.json", "/buyers/jane.json", "/buyers/‹text of 1–8 #"),
            ("/files/{path...}", "/files/jane/doe", "/files/‹text of 1–8 #"),
            ("*", "/buyers/jane-doe", "/‹text of 1–8 #"),
            ("/cart", "/jane/doe", "/‹text of 1–8 #"),
            ("/", "/", "/"),
        ] {
            let text = target(template, path, &[]);
            assert!(text.starts_with(begins), "{path}: {text}");
            assert!(!text.contains("jane") && !text.contains("doe"), "{path}: {text}");
        }
        assert!(target("/buyers/{name}.json", "/buyers/jane.json", &[]).ends_with("›.json"));
    }

    #[test]
    fn a_query_keeps_its_names_and_no_value() {
        let text = target("/cart", "/cart?user%5Bemail%5D=a%40b.test&a%40b.test=1&page=", &[]);
        assert!(text.starts_with("/cart?user[email]=‹text of 9–32 #"), "{text}");
        assert!(!text.contains("b.test") && text.ends_with("&page="), "{text}");
        assert!(target("/cart", "/cart?8hN2kq", &[]).starts_with("/cart?‹text of 1–8 #"));
    }

    #[test]
    fn what_is_revealed_is_shown_unless_it_is_a_secret() {
        let reveal = ["request.path.id", "request.query.*"];
        let shown = "/orders/42?page=2&q=lamp";
        assert_eq!(target("/orders/{id}", shown, &reveal), shown);
        let text = target("/orders/{id}", "/orders/a%40b.test?q=a%40b.test&token=1", &reveal);
        assert!(!text.contains("b.test") && !text.contains("=1"), "{text}");
        let text = target("/orders/{id}", "/orders/42?q=221B+Baker+Street", &reveal);
        assert!(!text.contains("Baker"), "{text}");
    }
}
