//! `GET /admin/returns`: those that wait, and the latest of the others.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::returned::Return,
    rails::html::{Html, html},
    views::{helpers::money, layout::button},
};

/// The page as `Admin::ReturnsController#index` renders it.
pub const REVIEW: Extraction = Extraction {
    id: "returns.review",
    replaces: "Admin::ReturnsController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(review(ctx, request)),
};

async fn review(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.parameters()?;
    let visitor = Visitor::of(ctx, request).await?;
    if !visitor.is_admin() {
        return pages::not_found(ctx, request).await;
    }
    let returns = Return::to_review(&mut ctx.tx).await?;
    let rows = returns.iter().map(|it| row(ctx, request, it)).collect::<Result<Html, _>>()?;
    // `content_for` and the loop leave no line.
    let page = html!("<h1>Returns</h1>\n<table>\n{}</table>\n", rows);
    pages::render(ctx, request, &visitor, StatusCode::OK, Some("Returns"), &page).await
}

/// A row of `views/admin/returns/index.html.erb`.
fn row(ctx: &mut Ctx, request: &Request, returned: &Return) -> Result<Html, HandlerError> {
    let refund = match returned.refund_amount {
        Some(amount) => amount,
        None => returned.refund_due()?,
    };
    let approve = if returned.is_requested() {
        let path = format!("/admin/returns/{}/approve", returned.id);
        Some(button(ctx, request, "Approve", &path, "post")?)
    } else {
        None
    };
    Ok(html!(
        "    <tr>\n      <td>{}</td>\n      <td>{} · {}</td>\n      <td>{}</td>\n      <td>{}</td>\n      \
         <td class=\"price\">{}</td>\n      <td>{}</td>\n    </tr>\n",
        returned.id,
        returned.order_number,
        returned.user_name,
        returned.reason,
        returned.state(),
        money(refund, "EUR"),
        approve
    ))
}
