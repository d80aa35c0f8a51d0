//! Bodies, without what differs between two equal ones.

use extracted::rails::csrf::CsrfToken;

use super::{forms, json, times::Window};

/// What stands before the one list of a page that the shop shuffles.
const SHUFFLED: &str = "<h2>You may also like</h2>";
const CARD: &str = "<li class=\"card\">";

/// A body and what is needed to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) content_type: &'a str,
    /// Of the Content-Security-Policy.
    pub(super) nonce: Option<&'a str>,
    /// Of the session after the answer.
    pub(super) csrf_token: Option<&'a CsrfToken>,
    pub(super) window: &'a Window,
}

/// The body as text; bytes that are none are escaped.
pub(super) fn masked(bytes: &[u8], context: &Context<'_>) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bytes.escape_ascii().to_string();
    };
    let is_html = context.content_type.starts_with("text/html");
    let text = forms::masked(text, is_html, context.csrf_token);
    let text = if is_html { with_sorted_cards(&text) } else { json::masked(&text, context.window) };
    let text = match context.nonce {
        Some(nonce) if is_html => text.replace(nonce, "<nonce>"),
        _ => text,
    };
    context.window.masked(&text)
}

/// The page with its shuffled cards in a fixed order.
fn with_sorted_cards(page: &str) -> String {
    let Some((before, rest)) = page.split_once(SHUFFLED) else { return page.to_owned() };
    let Some((list, after)) = rest.split_once("</ul>") else { return page.to_owned() };
    let mut cards = list.split(CARD);
    let opening = cards.next().unwrap_or_default();
    let mut cards: Vec<_> = cards.collect();
    cards.sort_unstable();
    let cards: String = cards.iter().flat_map(|it| [CARD, it]).collect();
    format!("{before}{SHUFFLED}{opening}{cards}</ul>{after}")
}
