//! `GET /api/session`: who is signed in, with a token for what comes next.

use http::StatusCode;
use serde::Serialize;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, pages::Visitor},
    models::user::User,
    rails::column::BigDecimal,
};

/// As `Api::SessionsController#show`.
pub const SESSION: Extraction = Extraction {
    id: "onboarding.session",
    replaces: "Api::SessionsController#show",
    effects: Effects::None,
    run: |ctx, request| Box::pin(session(ctx, request)),
};

async fn session(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.parameters()?;
    render_session(ctx, request, StatusCode::OK).await
}

/// `render_session status: status`.
pub(super) async fn render_session(
    ctx: &mut Ctx,
    request: &Request,
    status: StatusCode,
) -> Result<Reply, HandlerError> {
    let Visitor { user, cart } = Visitor::of(ctx, request).await?;
    let csrf_token = ctx.authenticity_token(request, None)?;
    let pricing = cart.pricing(&mut ctx.tx, ctx.now).await?;
    let cart = CartSummary { count: cart.count(), total: BigDecimal(pricing.total) };
    api::render(request, status, &Session { user: user.map(Into::into), csrf_token, cart })
}

/// The order of the members is part of the API.
#[derive(Debug, Serialize)]
struct Session {
    user: Option<SignedIn>,
    csrf_token: String,
    cart: CartSummary,
}

#[derive(Debug, Serialize)]
struct SignedIn {
    id: i64,
    email: String,
    name: String,
}

impl From<User> for SignedIn {
    fn from(user: User) -> Self {
        Self { id: user.id, email: user.email, name: user.name }
    }
}

#[derive(Debug, Serialize)]
struct CartSummary {
    count: i64,
    total: BigDecimal,
}
