//! `POST /cart/lines`.

use super::{Added, added};
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages,
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
    let Added { variant, errors, .. } = added(ctx, request).await?;
    if !errors.is_empty() {
        return pages::redirect_with_alert(ctx, request, "/cart", &to_sentence(&errors));
    }
    let notice = format!("{} is in your cart", variant.full_title());
    pages::redirect_with_notice(ctx, request, "/cart", &notice)
}
