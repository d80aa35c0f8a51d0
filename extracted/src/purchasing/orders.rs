//! `GET /orders`, as a page; the download as CSV is the monolith's.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::order::Order,
    rails::html::{Html, html, link_to, pluralize},
    views::helpers::{ago, money},
};

/// The page as `OrdersController#index` renders it.
pub const ORDERS: Extraction = Extraction {
    id: "purchasing.orders",
    replaces: "OrdersController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(index(ctx, request)),
};

async fn index(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?.all;
    let visitor = Visitor::of(ctx, request).await?;
    let Some(user) = &visitor.user else { return pages::login_required(ctx, request) };
    pages::expect_html(request, &parameters)?;
    let orders = Order::newest_of_user(&mut ctx.tx, user.id).await?;
    let page = page(ctx, &orders);
    pages::render(ctx, request, &visitor, StatusCode::OK, Some("Orders"), &page).await
}

/// `views/orders/index.html.erb`
fn page(ctx: &Ctx, orders: &[Order]) -> Html {
    if orders.is_empty() {
        return html!("<h1>Your orders</h1>\n  <p>You have not ordered anything yet.</p>\n");
    }
    let row = |order: &Order| {
        let items = u64::try_from(order.items).unwrap_or_default();
        html!(
            "      <tr>\n        <td>{}</td>\n        <td>{}</td>\n        <td>{}</td>\n        \
             <td class=\"price\">{}</td>\n        <td class=\"muted\">{}</td>\n      </tr>\n",
            link_to(&order.number, &format!("/orders/{}", order.id), &[]),
            order.status(),
            pluralize(items, "item", "items"),
            money(order.total, &order.currency),
            ago(ctx.now, order.placed_at.0)
        )
    };
    html!(
        "<h1>Your orders</h1>\n  <table>\n{}  </table>\n  <p>{}</p>\n",
        orders.iter().map(row).collect::<Html>(),
        link_to("Download as CSV", "/orders.csv", &[])
    )
}
