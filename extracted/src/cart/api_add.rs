//! `POST /api/cart/lines`.

use http::{Method, StatusCode};

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, given, keep_cart, pages::Visitor},
    models::variant::Variant,
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
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let variant = given::id(parameters.all.get("variant_id"))?;
    let variant = Variant::find(&mut ctx.tx, variant).await?;
    let Visitor { user, mut cart } = Visitor::of(ctx, request).await?;
    keep_cart(ctx, request, user.as_ref(), &mut cart).await?;
    let quantity = given::count(parameters.all.get("quantity"))?;
    let errors = cart.add(&mut ctx.tx, ctx.now, &variant, quantity).await?;
    if !errors.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return api::render_error(request, status, &to_sentence(&errors));
    }
    cart.reload(&mut ctx.tx).await?;
    api::render_cart(ctx, request, StatusCode::CREATED, &cart).await
}
