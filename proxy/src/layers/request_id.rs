//! Every request has an id: Rails logs it, Banyan logs it, and the buyer's answer carries it.

use http::HeaderValue;
use uuid::Uuid;

use super::Next;
use crate::{
    match_route::{Answer, Routed},
    monolith::headers::X_REQUEST_ID,
};

/// Keeps the id of a trusted hop and makes one otherwise; puts it on the answer that has none.
pub async fn request_id(
    mut routed: Box<Routed>,
    next: impl Next<Box<Routed>, Response = Answer>,
) -> Answer {
    let told = routed.request.headers().get(&X_REQUEST_ID).filter(|_| routed.downstream.trusted);
    let id = told.filter(|it| is_clean(it)).cloned().unwrap_or_else(new_id);
    routed.request.headers_mut().insert(X_REQUEST_ID, id.clone());
    let mut answer = next.answer(routed).await;
    answer.response.headers_mut().entry(X_REQUEST_ID).or_insert(id);
    answer
}

/// What Rails would keep unchanged: `[\w@-]`, at most 255 bytes.
fn is_clean(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    let ok = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'@');
    (1..=255).contains(&id.len()) && id.iter().all(ok)
}

fn new_id() -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
    // Hexadecimal digits and hyphens are a header value; the other arm cannot be reached.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_rails_would_change_is_replaced() {
        for (id, clean) in [("a1_B-@", true), ("", false), ("a b", false), ("a/b", false)] {
            assert_eq!(is_clean(&HeaderValue::from_str(id).unwrap()), clean, "{id}");
        }
        assert!(!is_clean(&HeaderValue::from_str(&"a".repeat(256)).unwrap()));
        assert!(is_clean(&new_id()));
    }
}
