//! `DELETE /logout`, which a browser's form sends as POST.

use http::Method;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{pages, sign_out},
};

/// As `SessionsController#destroy`.
pub const LOGOUT: Extraction = Extraction {
    id: "onboarding.logout",
    replaces: "SessionsController#destroy",
    effects: Effects::None,
    run: |ctx, request| Box::pin(async move { logout(ctx, request) }),
};

fn logout(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::DELETE)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    sign_out(ctx, request)?;
    pages::redirect_with_notice(ctx, request, "/", "You are logged out")
}
