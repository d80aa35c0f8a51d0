//! `Api::BaseController`: the actions that answer in JSON.

use http::StatusCode;
use serde::Serialize;

use crate::{
    contract::{Ctx, HandlerError, Reply, Request},
    models::cart::Cart,
    rails::{json, response},
    serializers,
};

/// `render json: value, status: status`.
pub(crate) fn render(
    request: &Request,
    status: StatusCode,
    value: &impl Serialize,
) -> Result<Reply, HandlerError> {
    let body = json::encode(value).map_err(HandlerError::Json)?;
    Ok(response::json(&request.method, &request.headers, status, body.into()).into())
}

/// `render_error message, status`.
pub(crate) fn render_error(
    request: &Request,
    status: StatusCode,
    message: &str,
) -> Result<Reply, HandlerError> {
    #[derive(Serialize)]
    struct Error<'a> {
        error: &'a str,
    }
    render(request, status, &Error { error: message })
}

/// `render_cart status: status`.
pub(crate) async fn render_cart(
    ctx: &mut Ctx,
    request: &Request,
    status: StatusCode,
    cart: &Cart,
) -> Result<Reply, HandlerError> {
    let pricing = cart.pricing(&mut ctx.tx, ctx.now).await?;
    render(request, status, &serializers::cart(cart, &pricing))
}

/// `require_user`, where there is none.
pub(crate) fn login_required(request: &Request) -> Result<Reply, HandlerError> {
    render_error(request, StatusCode::UNAUTHORIZED, "Please log in first")
}

/// `rescue_from`: what Rails raises to be rescued becomes a reply.
pub(crate) fn rescued(
    request: &Request,
    outcome: Result<Reply, HandlerError>,
) -> Result<Reply, HandlerError> {
    match outcome {
        Err(HandlerError::NotFound(model)) => {
            render_error(request, StatusCode::NOT_FOUND, &format!("{model} not found"))
        }
        Err(HandlerError::InvalidAuthenticityToken) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            render_error(request, status, "Invalid authenticity token")
        }
        other => other,
    }
}
