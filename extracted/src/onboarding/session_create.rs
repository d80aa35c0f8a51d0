//! `POST /api/session`: logging in.

use http::{Method, StatusCode};

use super::session::render_session;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, given, sign_in},
    models::user::User,
};

/// As `Api::SessionsController#create`.
pub const SESSION_CREATE: Extraction = Extraction {
    id: "onboarding.session_create",
    replaces: "Api::SessionsController#create",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(async move { api::rescued(request, create(ctx, request).await) }),
};

async fn create(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let text = |name| given::text(parameters.all.get(name));
    let (email, password) = (text("email")?, text("password")?);
    let Some(user) = User::authenticate(&mut ctx.tx, &email, &password).await? else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return api::render_error(request, status, "Wrong email or password");
    };
    sign_in(ctx, request, &user).await?;
    render_session(ctx, request, StatusCode::CREATED).await
}
