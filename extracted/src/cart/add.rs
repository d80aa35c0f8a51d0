//! `POST /cart/lines`.

use http::Method;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        given, keep_cart,
        pages::{self, Visitor},
    },
    models::variant::Variant,
    rails::string::to_sentence,
};

/// As `CartLinesController#create`.
pub const ADD: Extraction = Extraction {
    id: "cart.add",
    replaces: "CartLinesController#create",
    effects: Effects::Rows,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = add(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
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
        return pages::redirect_with_alert(ctx, request, "/cart", &to_sentence(&errors));
    }
    let notice = format!("{} is in your cart", variant.full_title());
    pages::redirect_with_notice(ctx, request, "/cart", &notice)
}
