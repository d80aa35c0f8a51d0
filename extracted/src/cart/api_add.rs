//! `POST /api/cart/lines`.

use http::StatusCode;

use super::{Added, added};
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::api,
    rails::string::to_sentence,
};

/// As `Api::CartLinesController#create`.
pub const API_ADD: Extraction = Extraction {
    id: "cart.api_add",
    replaces: "Api::CartLinesController#create",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(async move { api::rescued(request, add(ctx, request).await) }),
};

async fn add(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let Added { mut cart, errors, .. } = added(ctx, request).await?;
    if !errors.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return api::render_error(request, status, &to_sentence(&errors));
    }
    cart.reload(&mut ctx.tx).await?;
    api::render_cart(ctx, request, StatusCode::CREATED, &cart).await
}
