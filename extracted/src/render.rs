//! How the monolith's actions answer: as Rails does, under the application's own policy.

use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_SECURITY_POLICY, HeaderName},
};
use serde::Serialize;

use crate::{
    contract::{HandlerError, Reply, Request},
    rails::{json, response},
};

/// The monolith's `config/initializers/content_security_policy.rb`: Rails 6.1 sends it with JSON too.
const POLICY: (HeaderName, HeaderValue) = (
    CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'self'; img-src 'self' data:; object-src 'none'; connect-src 'self'; \
         frame-ancestors 'none'",
    ),
);

/// `render json: value, status: status`.
pub(crate) fn json(
    request: &Request,
    status: StatusCode,
    value: &impl Serialize,
) -> Result<Reply, HandlerError> {
    let body = json::encode(value).map_err(HandlerError::Json)?;
    let response = response::json(&request.method, &request.headers, status, body.into());
    let (mut head, body) = response.into_parts();
    let (name, value) = POLICY;
    head.headers.insert(name, value);
    Ok(Reply { status: head.status, headers: head.headers, body })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    #[test]
    fn the_policy_is_on_every_answer() {
        let request = Request {
            method: Method::GET,
            path: "/".to_owned(),
            params: Vec::new(),
            query: String::new(),
            headers: HeaderMap::new(),
        };
        let reply = json(&request, StatusCode::NOT_FOUND, &["gone"]).unwrap();
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        assert_eq!(reply.body, "[\"gone\"]");
        assert!(reply.headers.contains_key(CONTENT_SECURITY_POLICY));
    }
}
