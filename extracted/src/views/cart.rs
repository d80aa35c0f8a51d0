//! `views/carts/*.erb`: the cart's page, which a checkout that fails shows too.

use super::{
    helpers::money,
    layout::{button, form},
};
use crate::{
    contract::{Ctx, HandlerError, Request},
    controllers::pages::Visitor,
    models::{cart::CartLine, pricing::Pricing},
    rails::html::{Field, Html, Select, html, link_to, submit},
};

/// Its title.
pub(crate) const TITLE: &str = "Cart";

const EUR: &str = "EUR";

/// `show.html.erb`
pub(crate) async fn show(
    ctx: &mut Ctx,
    request: &Request,
    visitor: &Visitor,
) -> Result<Html, HandlerError> {
    let cart = &visitor.cart;
    if cart.lines.is_empty() {
        let products = link_to("Look at our products", "/products", &[]);
        return Ok(html!("<h1>Your cart</h1>\n  <p>It is empty. {}</p>\n", products));
    }
    let lines = cart.lines.iter().map(|it| line(ctx, request, it));
    let lines = lines.collect::<Result<Html, _>>()?;
    let pricing = cart.pricing(&mut ctx.tx, ctx.now).await?;
    let pay = match visitor.user {
        Some(_) => html!("    {}", checkout(ctx, request)?),
        None => html!("    <p>{}</p>\n", link_to("Log in to pay", "/login", &[])),
    };
    Ok(html!(
        "<h1>Your cart</h1>\n  <table>{}</table>\n\n  {}\n  {}\n\n{}",
        lines,
        promotion(ctx, request)?,
        totals(&pricing),
        pay
    ))
}

/// `_line.html.erb`
fn line(ctx: &mut Ctx, request: &Request, line: &CartLine) -> Result<Html, HandlerError> {
    let variant = &line.variant;
    let path = format!("/cart/lines/{}", line.id);
    let quantity = line.quantity.to_string();
    let quantity =
        [("value", quantity.as_str()), ("min", "1"), ("max", "99"), ("aria-label", "Quantity")];
    let quantity = Field { id: false, ..Field::new("number", "quantity", &quantity) };
    let update = submit("Update", Some("commit"), false);
    let fields = html!("\n      {}\n      {}\n", quantity.tag(), update);
    Ok(html!(
        "<tr>\n  <td>{}</td>\n  <td>{}</td>\n  <td>\n    {}    {}\n  </td>\n  \
         <td class=\"price\">{}</td>\n</tr>\n",
        link_to(&variant.full_title(), &format!("/products/{}", variant.product_id), &[]),
        money(variant.price, EUR),
        form(ctx, request, &path, "patch", None, &fields)?,
        button(ctx, request, "Remove", &path, "delete")?,
        money(line.total(), EUR)
    ))
}

fn promotion(ctx: &mut Ctx, request: &Request) -> Result<Html, HandlerError> {
    let code = [("placeholder", "Promotion code"), ("aria-label", "Promotion code")];
    let code = Field::new("text", "code", &code).tag();
    let fields = html!("\n    {}\n    {}\n", code, submit("Apply", Some("commit"), false));
    form(ctx, request, "/cart/promotion", "post", None, &fields)
}

/// `_totals.html.erb`
fn totals(pricing: &Pricing) -> Html {
    let applied = pricing.applied.iter().map(|(promotion, discount)| {
        let discount = money(*discount, EUR);
        html!("    <tr><th>{}</th><td>−{}</td></tr>\n", promotion.name, discount)
    });
    html!(
        "<table>\n  <tr><th>Subtotal</th><td>{}</td></tr>\n{}  \
         <tr><th>Shipping</th><td>{}</td></tr>\n  \
         <tr><th>Total</th><td class=\"price\">{} <span class=\"muted\">with {} VAT</span></td></tr>\n\
         </table>\n",
        money(pricing.subtotal, EUR),
        applied.collect::<Html>(),
        money(pricing.shipping, EUR),
        money(pricing.total, EUR),
        money(pricing.tax, EUR)
    )
}

fn checkout(ctx: &mut Ctx, request: &Request) -> Result<Html, HandlerError> {
    let card = Select {
        name: "card_token",
        options: &[("Card that pays", "tok_ok"), ("Card that is declined", "tok_declined")],
        selected: None,
        blank: None,
        attributes: &[("aria-label", "Card")],
    };
    let pay = submit("Pay now", Some("commit"), false);
    let fields = html!("\n      {}\n      {}\n", card.tag(), pay);
    form(ctx, request, "/checkout", "post", None, &fields)
}
