//! Codes that take something off a cart.

pub mod api_apply;
pub mod apply;

use crate::{
    contract::{Ctx, HandlerError, Request},
    controllers::{given, keep_cart, pages::Visitor},
    models::{cart::Cart, promotion::Promotion},
    rails::{params::Params, string::strip},
};

/// `current_cart!.update!(promotion: Promotion.find_by_code(params[:code]))`; `None` where there is no
/// such code.
async fn applied(
    ctx: &mut Ctx,
    request: &Request,
    parameters: &Params,
) -> Result<Option<(Promotion, Cart)>, HandlerError> {
    let code = given::text(parameters.get("code"))?;
    let code = strip(&code).to_uppercase();
    let promotion = Promotion::find_by_code(&mut ctx.tx, ctx.now, &code).await?;
    let Some(promotion) = promotion else { return Ok(None) };
    let Visitor { user, mut cart } = Visitor::of(ctx, request).await?;
    keep_cart(ctx, request, user.as_ref(), &mut cart).await?;
    cart.promote(&mut ctx.tx, ctx.now, Some(promotion.id)).await?;
    Ok(Some((promotion, cart)))
}
