//! Names of assets, which change with every build.

use std::borrow::Cow;

/// `/assets/shop-0a1b….css` is `/assets/shop-(fingerprint).css`: hexadecimal digits, 64 of
/// Sprockets', 20 of Webpacker's, 8 of Propshaft's, between `-` and an extension. Decimal digits alone
/// are a number or a date, which says what something is; one of Propshaft's in 43 is such a one too, and then
/// counts.
pub(super) fn without_fingerprints(url: &str) -> Cow<'_, str> {
    if !["/assets/", "/packs/"].iter().any(|it| url.contains(it)) {
        return url.into();
    }
    let mut plain = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, behind)) = rest.split_once('-') {
        plain.push_str(before);
        plain.push('-');
        let digits = behind.bytes().take_while(u8::is_ascii_hexdigit).count();
        let is_number = behind[..digits].bytes().all(|it| it.is_ascii_digit());
        let is_fingerprint = matches!(digits, 8 | 20 | 32 | 40 | 64) && !is_number;
        if is_fingerprint && behind[digits..].starts_with('.') {
            plain.push_str("(fingerprint)");
            rest = &behind[digits..];
        } else {
            rest = behind;
        }
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_of_assets_are_left_out_and_nothing_else() {
        let digest = "0123456789abcdef".repeat(4);
        for (url, expected) in [
            (format!("/assets/a-b-{digest}.css?x"), "/assets/a-b-(fingerprint).css?x"),
            ("https://cdn/packs/a-0123abcd.js".to_owned(), "https://cdn/packs/a-(fingerprint).js"),
            ("/assets/a-0123abc.js".to_owned(), "/assets/a-0123abc.js"),
            ("/assets/a-2026112f.pdf.".to_owned(), "/assets/a-(fingerprint).pdf."),
            ("/assets/a-20261129.pdf".to_owned(), "/assets/a-20261129.pdf"),
            ("/files/a-0123abcd.js".to_owned(), "/files/a-0123abcd.js"),
            (format!("/assets/a-{digest}"), &*format!("/assets/a-{digest}")),
        ] {
            assert_eq!(without_fingerprints(&url), expected);
        }
    }
}
