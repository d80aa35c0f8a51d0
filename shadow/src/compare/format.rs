//! What a body is, by its content type.

use http::{HeaderMap, header::CONTENT_TYPE};

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 8259, RFC 6839's `+json` included.
    Json,
    /// Turbo's streams included, which are parts of pages.
    Html,
    /// RFC 7303, `+xml` included.
    Xml,
    /// RFC 4180.
    Csv,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Any other text, scripts and style sheets included.
    Text,
    /// An image, an archive, or nothing that is known.
    Bytes,
}

impl Format {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let essence = essence(headers);
        match &*essence {
            "application/json" | "text/json" => Self::Json,
            "text/html" | "application/xhtml+xml" | "text/vnd.turbo-stream.html" => Self::Html,
            "application/xml" | "text/xml" => Self::Xml,
            "text/csv" => Self::Csv,
            "application/x-www-form-urlencoded" => Self::Form,
            // Of JSON by lines, one that is another leaves the rest as they are.
            "application/javascript"
            | "application/x-javascript"
            | "application/x-ndjson"
            | "application/jsonl" => Self::Text,
            _ if essence.ends_with("+json") => Self::Json,
            _ if essence.ends_with("+xml") => Self::Xml,
            _ if essence.starts_with("text/") => Self::Text,
            _ => Self::Bytes,
        }
    }
}

/// Whether the content type is the one of GraphQL's answers ("GraphQL over HTTP", draft).
pub(super) fn is_graphql(headers: &HeaderMap) -> bool {
    essence(headers) == "application/graphql-response+json"
}

/// The character set that the content type names.
pub(super) fn charset(headers: &HeaderMap) -> Option<&str> {
    let named = |it: &&str| it.get(..8).is_some_and(|it| it.eq_ignore_ascii_case("charset="));
    let parameter = content_type(headers).split(';').skip(1).map(str::trim).find(named)?;
    Some(parameter[8..].trim_matches('"'))
}

/// The type and subtype alone, in lower case.
fn essence(headers: &HeaderMap) -> String {
    let essence = content_type(headers).split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_format_is_recognised_by_the_essence_of_the_type() {
        for (value, format) in [
            ("application/json", Format::Json),
            ("Application/Vnd.Shop+JSON; charset=utf-8", Format::Json),
            ("application/jsonp", Format::Bytes),
            ("text/HTML;charset=utf-8", Format::Html),
            ("text/vnd.turbo-stream.html; charset=utf-8", Format::Html),
            ("application/rss+xml", Format::Xml),
            ("image/svg+xml", Format::Xml),
            ("text/csv; header=present", Format::Csv),
            ("text/javascript", Format::Text),
            ("application/x-ndjson", Format::Text),
            ("image/png", Format::Bytes),
            ("", Format::Bytes),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(Format::of(&headers), format, "{value}");
        }
        assert_eq!(Format::of(&HeaderMap::new()), Format::Bytes);
    }
}
