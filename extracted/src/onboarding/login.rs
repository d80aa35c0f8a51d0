//! `POST /login`.

use http::{Method, StatusCode};

use super::view;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        given,
        pages::{self, Visitor},
        sign_in,
    },
    models::user::User,
};

/// As `SessionsController#create`.
pub const LOGIN: Extraction = Extraction {
    id: "onboarding.login",
    replaces: "SessionsController#create",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(login(ctx, request)),
};

async fn login(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let email = parameters.all.get("email");
    let password = given::text(parameters.all.get("password"))?;
    let user = User::authenticate(&mut ctx.tx, &given::text(email)?, &password).await?;
    if let Some(user) = user {
        sign_in(ctx, request, &user).await?;
        let welcome = format!("Welcome back, {}", user.name);
        return pages::redirect_with_notice(ctx, request, "/", &welcome);
    }
    let visitor = Visitor::of(ctx, request).await?;
    ctx.flash(request)?.now("alert", "Wrong email or password");
    let form = view::login(ctx, request, parameters.all.plain("email")?)?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    pages::render(ctx, request, &visitor, status, Some("Log in"), &form).await
}
