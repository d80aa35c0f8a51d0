//! `GET /cart`.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    views::cart,
};

/// The page as `CartsController#show` renders it.
pub const SHOW: Extraction = Extraction {
    id: "cart.show",
    replaces: "CartsController#show",
    effects: Effects::None,
    run: |ctx, request| Box::pin(show(ctx, request)),
};

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    pages::expect_html(request, &request.parameters()?.all)?;
    let visitor = Visitor::of(ctx, request).await?;
    let page = cart::show(ctx, request, &visitor).await?;
    pages::render(ctx, request, &visitor, StatusCode::OK, Some(cart::TITLE), &page).await
}
