//! `POST /checkout`.

use http::{Method, StatusCode};

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        lock_cart,
        pages::{self, Visitor},
    },
    models::checkout::{Failed, checkout},
    views::cart,
};

/// As `CheckoutsController#create`.
pub const CHECKOUT: Extraction = Extraction {
    id: "purchasing.checkout",
    replaces: "CheckoutsController#create",
    effects: Effects::RowsAndJobs,
    run: |ctx, request| Box::pin(create(ctx, request)),
};

async fn create(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    lock_cart(ctx, request).await?;
    let Visitor { user, mut cart } = Visitor::of(ctx, request).await?;
    let Some(user) = user else { return pages::login_required(ctx, request) };
    let card_token = parameters.all.get("card_token");
    match checkout(ctx, &mut cart, &user, card_token).await {
        Ok(order) => {
            let notice = format!("Thank you! Your order is {}", order.number);
            pages::redirect_with_notice(ctx, request, &format!("/orders/{}", order.id), &notice)
        }
        Err(Failed::Told(why)) => {
            pages::expect_html(request, &parameters.all)?;
            ctx.flash(request)?.now("alert", why);
            let visitor = Visitor::of(ctx, request).await?;
            let page = cart::show(ctx, request, &visitor).await?;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            pages::render(ctx, request, &visitor, status, Some(cart::TITLE), &page).await
        }
        Err(Failed::Unforeseen(error)) => Err(error),
    }
}
