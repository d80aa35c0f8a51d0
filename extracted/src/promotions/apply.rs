//! `POST /cart/promotion`.

use http::Method;

use super::applied;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages,
};

/// As `CartPromotionsController#create`.
pub const APPLY: Extraction = Extraction {
    id: "promotions.apply",
    replaces: "CartPromotionsController#create",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(apply(ctx, request)),
};

async fn apply(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    match applied(ctx, request, &parameters.all).await? {
        Some((promotion, _)) => {
            let notice = format!("{} is applied", promotion.name);
            pages::redirect_with_notice(ctx, request, "/cart", &notice)
        }
        None => pages::redirect_with_alert(ctx, request, "/cart", "This code is not valid"),
    }
}
