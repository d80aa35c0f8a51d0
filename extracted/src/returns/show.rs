//! `GET /returns/{id}`: one of the user's own.

use http::StatusCode;
use sqlx::{FromRow, MySqlConnection};

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::returned::Return,
    rails::{
        html::{Html, html, link_to},
        string::presence,
    },
    views::helpers::{ago, money},
};

/// The page as `ReturnsController#show` renders it.
pub const SHOW: Extraction = Extraction {
    id: "returns.show",
    replaces: "ReturnsController#show",
    effects: Effects::None,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = show(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.parameters()?;
    let visitor = Visitor::of(ctx, request).await?;
    let Some(user) = &visitor.user else { return pages::login_required(ctx, request) };
    let returned = Return::of_user(&mut ctx.tx, user.id, request.id("id")?).await?;
    let returned = returned.ok_or(HandlerError::NotFound("Return"))?;
    let lines = lines(&mut ctx.tx, returned.id).await?;
    let page = page(ctx, &returned, &lines)?;
    let title = format!("Return {}", returned.id);
    pages::render(ctx, request, &visitor, StatusCode::OK, Some(&title), &page).await
}

#[derive(Debug, FromRow)]
struct Line {
    quantity: i32,
    title: String,
}

async fn lines(database: &mut MySqlConnection, id: i64) -> sqlx::Result<Vec<Line>> {
    let sql = "SELECT return_lines.quantity, title FROM return_lines \
               LEFT JOIN order_lines ON order_lines.id = order_line_id \
               WHERE return_id = ? ORDER BY return_lines.id";
    sqlx::query_as(sql).bind(id).fetch_all(database).await
}

/// `views/returns/show.html.erb`
fn page(ctx: &Ctx, returned: &Return, lines: &[Line]) -> Result<Html, HandlerError> {
    let reason = presence(Some(&returned.reason)).map(|it| html!("<p>“{}”</p>", it));
    let line = |it: &Line| html!("    <li>{} × {}</li>\n", it.quantity, it.title);
    let lines: Html = lines.iter().map(line).collect();
    let refund = match returned.refund_amount {
        Some(amount) => money(amount, "EUR"),
        None => html!("{}, once we have approved it", money(returned.refund_due()?, "EUR")),
    };
    let order = format!("Order {}", returned.order_number);
    Ok(html!(
        "<h1>Return {}</h1>\n<p><strong>{}</strong> <span class=\"muted\">requested {}</span></p>\n\
         {}\n<ul>\n{}</ul>\n<p>Refund: {}</p>\n<p>{}</p>\n",
        returned.id,
        returned.state(),
        ago(ctx.now, returned.created_at.0),
        reason,
        lines,
        refund,
        link_to(&order, &format!("/orders/{}", returned.order_id), &[])
    ))
}
