//! `GET /login`: the form.

use http::StatusCode;

use super::view;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
};

/// The page as `SessionsController#new` renders it.
pub const LOGIN_FORM: Extraction = Extraction {
    id: "onboarding.login_form",
    replaces: "SessionsController#new",
    effects: Effects::None,
    run: |ctx, request| Box::pin(login_form(ctx, request)),
};

async fn login_form(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let params = request.parameters()?.all;
    let visitor = Visitor::of(ctx, request).await?;
    let form = view::login(ctx, request, params.plain("email")?)?;
    pages::render(ctx, request, &visitor, StatusCode::OK, Some("Log in"), &form).await
}
