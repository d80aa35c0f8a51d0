//! Authenticity tokens in pages and documents: found, and replaced by what they are good for.

use extracted::rails::csrf::{CsrfToken, Form};
use scraper::{ElementRef, Html, Selector};

/// A token in a page, and the form that it stands in.
#[derive(Debug, Clone)]
pub(super) struct FormToken {
    pub(super) token: String,
    pub(super) action: String,
    /// As Rails sees it, in small letters.
    pub(super) method: String,
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

/// The tokens of all forms.
pub(super) fn in_forms(page: &str) -> Vec<FormToken> {
    let document = Html::parse_document(page);
    let (forms, tokens) = (selector("form"), selector("input[name=authenticity_token]"));
    let named = selector("input[name=_method]");
    let attribute = |it: ElementRef<'_>, name: &str| it.attr(name).map(str::to_owned);
    let of = |form: ElementRef<'_>| {
        let method = form.select(&named).next().and_then(|it| attribute(it, "value"));
        let method = method.or_else(|| attribute(form, "method")).unwrap_or("get".to_owned());
        Some(FormToken {
            token: attribute(form.select(&tokens).next()?, "value")?,
            action: attribute(form, "action").unwrap_or_default(),
            method: method.to_ascii_lowercase(),
        })
    };
    document.select(&forms).filter_map(of).collect()
}

/// The token in a page's head.
pub(super) fn in_head(page: &str) -> Option<String> {
    let document = Html::parse_document(page);
    let token = document.select(&selector("meta[name=csrf-token]")).next()?;
    token.attr("content").map(str::to_owned)
}

/// A JSON text's `csrf_token`.
pub(super) fn in_json(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("\"csrf_token\":\"")?;
    rest.split_once('"').map(|(token, _)| token)
}

/// What a token is good for in this session, as a name that is the same on both sides.
fn named(token: &str, form: Option<&FormToken>, session: Option<&CsrfToken>) -> String {
    const NO_FORM: Form<'static> = Form { path: "/nowhere", method: "none" };
    let Some(session) = session else { return "<token without a session>".to_owned() };
    let path = form.map_or("", |it| it.action.split('?').next().unwrap_or_default());
    let method = form.map_or("", |it| it.method.as_str());
    let good_for = if session.accepts(token, NO_FORM, false) {
        "all forms"
    } else if form.is_some() && session.accepts(token, Form { path, method }, true) {
        "this form"
    } else {
        "nothing here"
    };
    // The alphabets differ in the padding.
    format!("<token of {} letters for {good_for}>", token.len())
}

/// The text with each of its tokens replaced by what it is good for.
pub(super) fn masked(text: &str, is_html: bool, session: Option<&CsrfToken>) -> String {
    let mut masked = text.to_owned();
    if !is_html {
        if let Some(token) = in_json(text) {
            masked = masked.replace(token, &named(token, None, session));
        }
        return masked;
    }
    for form in in_forms(text) {
        masked = masked.replace(&form.token, &named(&form.token, Some(&form), session));
    }
    if let Some(token) = in_head(text) {
        masked = masked.replace(&token, &named(&token, None, session));
    }
    masked
}

#[cfg(test)]
mod tests {
    use extracted::rails::csrf::Alphabet;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn a_token_is_named_by_what_it_is_good_for() {
        let mut random = StdRng::seed_from_u64(1);
        let [session, other] = [(); 2].map(|()| CsrfToken::generate(&mut random));
        let mut page = |token: &CsrfToken, form: Option<Form<'_>>| {
            let token = token.for_form(form, Alphabet::UrlSafe, &mut random);
            let page = format!(
                "<form action=\"/a\" method=\"post\"><input name=\"_method\" value=\"patch\">\
                 <input name=\"authenticity_token\" value=\"{token}\"></form>"
            );
            masked(&page, true, Some(&session))
        };
        let this = Some(Form { path: "/a", method: "patch" });
        let that = Some(Form { path: "/a", method: "post" });
        for (token, form, good_for) in [
            (&session, this, "this form"),
            (&session, that, "nothing here"),
            (&session, None, "all forms"),
            (&other, this, "nothing here"),
            (&other, None, "nothing here"),
        ] {
            let named = format!("value=\"<token of 86 letters for {good_for}>\"");
            assert!(page(token, form).contains(&named), "{form:?} {good_for}");
        }
    }
}
