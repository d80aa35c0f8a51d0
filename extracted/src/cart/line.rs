//! `PATCH` and `DELETE /cart/lines/{id}`, which a browser's form sends as POST.

use http::Method;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        given,
        pages::{self, Visitor},
    },
    models::quantity,
};

/// As `CartLinesController#update` and `#destroy`.
pub const LINE: Extraction = Extraction {
    id: "cart.line",
    replaces: "CartLinesController#update, #destroy",
    effects: Effects::Rows,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = line(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

async fn line(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    let update = match parameters.method {
        Method::PATCH | Method::PUT => true,
        Method::DELETE => false,
        _ => return Err(HandlerError::Declined("a line is changed or removed")),
    };
    ctx.verify_authenticity_token(request, &parameters)?;
    let mut cart = Visitor::of(ctx, request).await?.cart;
    let cart_id = cart.id.ok_or(HandlerError::NotFound("CartLine"))?;
    let line = cart.line(given::id(parameters.all.get("id"))?)?;
    if !update {
        line.destroy(&mut ctx.tx, ctx.now, cart_id).await?;
        return pages::redirect_with_notice(ctx, request, "/cart", "Removed from your cart");
    }
    match quantity::given(parameters.all.get("quantity"))? {
        Ok(quantity) => {
            line.update_quantity(&mut ctx.tx, ctx.now, cart_id, quantity).await?;
            pages::redirect_with_notice(ctx, request, "/cart", "Your cart is updated")
        }
        Err(error) => pages::redirect_with_alert(ctx, request, "/cart", error),
    }
}
