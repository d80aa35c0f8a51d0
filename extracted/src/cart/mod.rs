//! What somebody is about to buy.

pub mod add;
pub mod api_add;
pub mod api_remove;
pub mod api_show;
pub mod line;
pub mod show;

use http::Method;

use crate::{
    contract::{Ctx, HandlerError, Request},
    controllers::{given, keep_cart, pages::Visitor},
    models::{cart::Cart, variant::Variant},
};

/// A cart in which something was put, unless there are errors.
struct Added {
    cart: Cart,
    variant: Variant,
    errors: Vec<&'static str>,
}

/// `current_cart!.add(variant, quantity)`, of what the request says, for pages and for JSON.
async fn added(ctx: &mut Ctx, request: &Request) -> Result<Added, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let variant = given::id(parameters.all.get("variant_id"))?;
    let variant = Variant::find(&mut ctx.tx, variant).await?;
    let Visitor { user, mut cart } = Visitor::of(ctx, request).await?;
    keep_cart(ctx, request, user.as_ref(), &mut cart).await?;
    let quantity = given::count(parameters.all.get("quantity"))?;
    let errors = cart.add(&mut ctx.tx, ctx.now, &variant, quantity).await?;
    Ok(Added { cart, variant, errors })
}
