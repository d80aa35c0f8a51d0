//! `POST /api/checkout`.

use http::{Method, StatusCode};

use super::api_order;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, lock_cart, pages::Visitor},
    models::checkout::{Failed, checkout},
};

/// As `Api::CheckoutsController#create`.
pub const API_CHECKOUT: Extraction = Extraction {
    id: "purchasing.api_checkout",
    replaces: "Api::CheckoutsController#create",
    effects: Effects::RowsAndJobs,
    run: |ctx, request| Box::pin(async move { api::rescued(request, create(ctx, request).await) }),
};

async fn create(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    lock_cart(ctx, request).await?;
    let Visitor { user, mut cart } = Visitor::of(ctx, request).await?;
    let Some(user) = user else { return api::login_required(request) };
    match checkout(ctx, &mut cart, &user, parameters.all.get("card_token")).await {
        Ok(order) => {
            let created = StatusCode::CREATED;
            api_order::render(ctx, request, created, user.id, Some(order.id)).await
        }
        Err(Failed::Told(why)) => {
            api::render_error(request, StatusCode::UNPROCESSABLE_ENTITY, &why)
        }
        Err(Failed::Unforeseen(error)) => Err(error),
    }
}
