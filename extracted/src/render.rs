//! How the monolith's actions answer, as handlers write it.

use http::StatusCode;
use serde::Serialize;

use crate::{
    contract::{HandlerError, Reply, Request},
    rails::{json, response},
};

/// `render json: value, status: status`.
pub(crate) fn json(
    request: &Request,
    status: StatusCode,
    value: &impl Serialize,
) -> Result<Reply, HandlerError> {
    let body = json::encode(value).map_err(HandlerError::Json)?;
    let response = response::json(&request.method, &request.headers, status, body.into());
    let (head, body) = response.into_parts();
    Ok(Reply { status: head.status, headers: head.headers, body })
}
