//! `GET /api/cart`.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, pages::Visitor},
};

/// The cart as `Api::CartsController#show` renders it.
pub const API_SHOW: Extraction = Extraction {
    id: "cart.api_show",
    replaces: "Api::CartsController#show",
    effects: Effects::None,
    run: |ctx, request| Box::pin(show(ctx, request)),
};

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    // Reads nothing from them, but Rails refuses malformed ones.
    request.parameters()?;
    let cart = Visitor::of(ctx, request).await?.cart;
    api::render_cart(ctx, request, StatusCode::OK, &cart).await
}
