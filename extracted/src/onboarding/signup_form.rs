//! `GET /signup`: the form.

use http::StatusCode;

use super::view;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::registration::Registration,
};

/// The page as `RegistrationsController#new` renders it.
pub const SIGNUP_FORM: Extraction = Extraction {
    id: "onboarding.signup_form",
    replaces: "RegistrationsController#new",
    effects: Effects::None,
    run: |ctx, request| Box::pin(signup_form(ctx, request)),
};

async fn signup_form(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.parameters()?;
    let visitor = Visitor::of(ctx, request).await?;
    let form = view::signup(ctx, request, &Registration::default(), &[])?;
    pages::render(ctx, request, &visitor, StatusCode::OK, Some("Sign up"), &form).await
}
