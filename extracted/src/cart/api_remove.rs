//! `DELETE /api/cart/lines/{id}`.

use http::{Method, StatusCode};

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, given, pages::Visitor},
};

/// As `Api::CartLinesController#destroy`.
pub const API_REMOVE: Extraction = Extraction {
    id: "cart.api_remove",
    replaces: "Api::CartLinesController#destroy",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(async move { api::rescued(request, remove(ctx, request).await) }),
};

async fn remove(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::DELETE)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let mut cart = Visitor::of(ctx, request).await?.cart;
    let cart_id = cart.id.ok_or(HandlerError::NotFound("CartLine"))?;
    let line = cart.line(given::id(parameters.all.get("id"))?)?;
    line.destroy(&mut ctx.tx, ctx.now, cart_id).await?;
    cart.reload(&mut ctx.tx).await?;
    api::render_cart(ctx, request, StatusCode::OK, &cart).await
}
