//! `GET /`: the newest products, those looked at most, and what is cheaper for everybody.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::{product::Card, promotion::Promotion},
    rails::html::{Html, html},
    views::product::grid,
};

/// The page as `HomeController#show` renders it.
pub const HOME: Extraction = Extraction {
    id: "catalog.home",
    replaces: "HomeController#show",
    effects: Effects::None,
    run: |ctx, request| Box::pin(home(ctx, request)),
};

async fn home(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    pages::expect_html(request, &request.parameters()?.all)?;
    let visitor = Visitor::of(ctx, request).await?;
    let newest = Card::newest(&mut ctx.tx).await?;
    let popular = Card::popular(&mut ctx.tx).await?;
    let promotions = Promotion::automatic(&mut ctx.tx, ctx.now).await?;
    let page = page(&newest, &popular, &promotions)?;
    pages::render(ctx, request, &visitor, StatusCode::OK, None, &page).await
}

/// `views/home/show.html.erb`
fn page(newest: &[Card], popular: &[Card], promotions: &[Promotion]) -> Result<Html, HandlerError> {
    let promotions = promotions.iter();
    let promotions = promotions.map(|it| html!("  <p class=\"flash\">{}</p>\n", it.name));
    Ok(html!(
        "<h1>Things worth keeping</h1>\n{}\n<h2>New</h2>\n{}\n\n<h2>Looked at most</h2>\n{}\n",
        promotions.collect::<Html>(),
        grid(newest)?,
        grid(popular)?
    ))
}
