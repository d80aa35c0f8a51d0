//! `DELETE /api/session`: logging out.

use http::{Method, StatusCode};

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, sign_out},
    rails::response,
};

/// As `Api::SessionsController#destroy`.
pub const SESSION_DESTROY: Extraction = Extraction {
    id: "onboarding.session_destroy",
    replaces: "Api::SessionsController#destroy",
    effects: Effects::None,
    run: |ctx, request| Box::pin(async move { api::rescued(request, destroy(ctx, request)) }),
};

fn destroy(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::DELETE)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    sign_out(ctx, request)?;
    Ok(response::head(StatusCode::NO_CONTENT).into())
}
