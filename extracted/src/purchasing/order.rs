//! `GET /orders/{id}`.

use http::StatusCode;
use sqlx::MySqlConnection;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        given,
        pages::{self, Visitor},
    },
    models::order::{Order, OrderLine},
    rails::{
        html::{Field, Html, html, link_to, submit, tag},
        record::Enum,
    },
    views::{
        helpers::{ago, money},
        layout::form,
    },
};

/// The page as `OrdersController#show` renders it.
pub const ORDER: Extraction = Extraction {
    id: "purchasing.order",
    replaces: "OrdersController#show",
    effects: Effects::None,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = show(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

/// `Return#state`
const STATE: Enum = Enum(&[("requested", 0), ("approved", 1), ("rejected", 2)]);

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?.all;
    let visitor = Visitor::of(ctx, request).await?;
    let Some(user) = &visitor.user else { return pages::login_required(ctx, request) };
    let id = given::id(parameters.get("id"))?;
    let order = Order::of_user(&mut ctx.tx, user.id, id).await?;
    pages::expect_html(request, &parameters)?;
    let page = page(ctx, request, &order).await?;
    pages::render(ctx, request, &visitor, StatusCode::OK, Some(&order.number), &page).await
}

/// `order.returns`, in the order of the index that finds them: ids and states.
async fn returns(database: &mut MySqlConnection, order: &Order) -> sqlx::Result<Vec<(i64, i32)>> {
    let sql = "SELECT id, state FROM returns WHERE order_id = ? ORDER BY id";
    sqlx::query_as(sql).bind(order.id).fetch_all(database).await
}

/// `views/orders/show.html.erb`
async fn page(ctx: &mut Ctx, request: &Request, order: &Order) -> Result<Html, HandlerError> {
    let lines = order.lines(&mut ctx.tx).await?;
    let shown = |line: &OrderLine| {
        html!(
            "    <tr>\n      <td>{}</td>\n      <td>{} × {}</td>\n      \
             <td class=\"price\">{}</td>\n    </tr>\n",
            line.title,
            line.quantity,
            money(line.unit_price, &order.currency),
            money(line.total, &order.currency)
        )
    };
    let returned = |(id, state): (i64, i32)| {
        let link = link_to(&format!("Return {id}"), &format!("/returns/{id}"), &[]);
        html!("  <p>{} is {}</p>\n", link, STATE.name(state.into()))
    };
    let returns = returns(&mut ctx.tx, order).await?.into_iter().map(returned).collect::<Html>();
    let send_back = match order.status() {
        Some("confirmed" | "shipped") => send_back(ctx, request, order, &lines)?,
        _ => Html::default(),
    };
    Ok(html!(
        "<h1>Order {}</h1>\n\
         <p><strong>{}</strong> <span class=\"muted\">placed {}</span></p>\n\
         <table>\n{}  <tr><th>Discount</th><td></td><td>−{}</td></tr>\n  \
         <tr><th>Shipping</th><td></td><td>{}</td></tr>\n  \
         <tr><th>Total</th><td></td><td class=\"price\">{}</td></tr>\n</table>\n\n{}\n{}",
        order.number,
        order.status(),
        ago(ctx.now, order.placed_at.0),
        lines.iter().map(shown).collect::<Html>(),
        money(order.discount, &order.currency),
        money(order.shipping, &order.currency),
        money(order.total, &order.currency),
        returns,
        send_back
    ))
}

/// The form for a return.
fn send_back(
    ctx: &mut Ctx,
    request: &Request,
    order: &Order,
    lines: &[OrderLine],
) -> Result<Html, HandlerError> {
    let quantity = |line: &OrderLine| {
        let name = format!("quantities[{}]", line.id);
        let max = line.returnable_quantity().to_string();
        let attributes = [("type", "number"), ("name", name.as_str()), ("value", "0")];
        let attributes = [attributes.as_slice(), &[("min", "0"), ("max", &max)]].concat();
        html!("      <label>{} {}</label>\n", line.title, tag("input", &attributes))
    };
    let fields = html!(
        "\n{}    <label>Reason {}</label>\n    {}\n",
        lines.iter().map(quantity).collect::<Html>(),
        Field::new("text", "reason", &[]).tag(),
        submit("Request a return", Some("commit"), false)
    );
    let path = format!("/orders/{}/returns", order.id);
    let form = form(ctx, request, &path, "post", Some("stack"), &fields)?;
    Ok(html!("  <h2>Send something back</h2>\n  {}", form))
}
