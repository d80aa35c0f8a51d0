//! Kinds of requests, so that a small one that always differs does not hide among the others.

use std::{fmt, str::FromStr, sync::Arc};

use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;

use crate::{Observation, RequestSummary, redact::is_plain_name, sensitive::is_personal};

/// What may be told from a request's content type or operation; more would be a name that its sender
/// made up.
const NAME_LIMIT: usize = 40;

const OTHER: &str = "other";

/// The content type of an answer without one.
const NONE: &str = "none";

/// A kind of requests of one route: the class of the monolith's status, signed in or not, the type
/// of the monolith's content, and the GraphQL operation.
///
/// In text, and so in the store and in JSON: `2xx signed-in application/json ProductPage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stratum(String);

impl Stratum {
    /// The kinds beyond what is kept of a route.
    pub(crate) fn other() -> Self {
        Self(OTHER.to_owned())
    }

    /// The kind of a request that was answered like this.
    pub fn of(
        status: StatusCode,
        signed_in: bool,
        content_type: Option<&HeaderValue>,
        operation: Option<&str>,
    ) -> Self {
        let class = status.as_u16() / 100;
        let signed_in = if signed_in { "signed-in" } else { "signed-out" };
        let essence = content_type.and_then(|it| it.to_str().ok()).unwrap_or(NONE);
        let essence = essence.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut text = format!("{class}xx {signed_in} {}", named(&essence, is_media_type));
        if let Some(operation) = operation {
            text.push(' ');
            text.push_str(named(operation, is_graphql_name));
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request that the monolith has answered, and what tells its kind, for when that is asked.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    pub(crate) request: Arc<RequestSummary>,
    status: StatusCode,
    content_type: Option<HeaderValue>,
}

impl Traits {
    /// Of a request that the monolith has answered so.
    pub(crate) fn of(request: &Arc<RequestSummary>, control: &Observation) -> Self {
        Self {
            request: Arc::clone(request),
            status: control.status,
            content_type: control.headers.get(CONTENT_TYPE).cloned(),
        }
    }

    pub(crate) fn stratum(&self) -> Stratum {
        let Self { request, status, content_type } = self;
        let operation = request.operation.as_deref();
        Stratum::of(*status, request.signed_in, content_type.as_ref(), operation)
    }
}

impl FromStr for Stratum {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Stratum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Stratum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A name, unless it could be anything.
fn named(name: &str, is_name: fn(&str) -> bool) -> &str {
    let is_shown = name.len() <= NAME_LIMIT && is_name(name) && !is_personal(name);
    if is_shown { name } else { OTHER }
}

/// `type/subtype`, or none.
fn is_media_type(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.+".contains(&it);
    let is_part = |it: &str| !it.is_empty() && it.bytes().all(plain);
    name == NONE || name.split_once('/').is_some_and(|(one, two)| is_part(one) && is_part(two))
}

/// As GraphQL's specification (October 2021, §2.1.9) has names, and nothing that may be data: the
/// judgement is that of a member's name.
fn is_graphql_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    name.bytes().all(plain) && is_plain_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_in_words() {
        let json = HeaderValue::from_static("application/JSON; charset=utf-8");
        let kind = Stratum::of(StatusCode::CREATED, true, Some(&json), Some("ProductPage"));
        assert_eq!(kind.as_str(), "2xx signed-in application/json ProductPage");
        let kind = Stratum::of(StatusCode::NOT_MODIFIED, false, None, None);
        assert_eq!(kind.as_str(), "3xx signed-out none");
    }

    #[test]
    fn what_a_sender_makes_up_is_other() {
        let odd = HeaderValue::from_static("a b@c.test");
        for operation in [
            &*"x".repeat(41),
            "a-b",
            "jane.doe",
            "jane@shop.test",
            "4242424242424242",
            "n4242424242424242",
            "buyer4711",
            "8hN2kq0Vw3Zt5LrX9bCd7eFg1aYp",
            "",
        ] {
            let kind = Stratum::of(StatusCode::OK, false, Some(&odd), Some(operation));
            assert_eq!(kind.as_str(), "2xx signed-out other other", "{operation}");
        }
    }
}
