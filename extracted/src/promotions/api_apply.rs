//! `POST /api/cart/promotion`.

use http::{Method, StatusCode};

use super::applied;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::api,
};

/// As `Api::CartPromotionsController#create`.
pub const API_APPLY: Extraction = Extraction {
    id: "promotions.api_apply",
    replaces: "Api::CartPromotionsController#create",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(async move { api::rescued(request, apply(ctx, request).await) }),
};

async fn apply(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let Some((_, cart)) = applied(ctx, request, &parameters.all).await? else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return api::render_error(request, status, "This code is not valid");
    };
    api::render_cart(ctx, request, StatusCode::OK, &cart).await
}
