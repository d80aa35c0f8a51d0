//! `views/products/_product.html.erb`.

use super::helpers::{money, stars};
use crate::{
    contract::HandlerError,
    models::product::Card,
    rails::{
        html::{Html, html, link_to},
        string::presence,
    },
};

/// `<ul class="grid"><%= render partial: "products/product", collection: products %></ul>`
pub(crate) fn grid(products: &[Card]) -> Result<Html, HandlerError> {
    let cards = products.iter().map(card).collect::<Result<Html, _>>()?;
    Ok(html!("<ul class=\"grid\">{}</ul>", cards))
}

fn card(product: &Card) -> Result<Html, HandlerError> {
    let subtitle = presence(product.subtitle.as_deref());
    Ok(html!(
        "<li class=\"card\">\n  {}\n  {}\n  <div class=\"price\">{}</div>\n  \
         <div class=\"muted\">{} · {}</div>\n</li>\n",
        link_to(&product.name, &format!("/products/{}", product.id), &[]),
        subtitle.map(|it| html!("<div class=\"muted\">{}</div>", it)),
        money(product.price, &product.currency),
        stars(product.rating)?,
        if product.in_stock { "in stock" } else { "sold out" }
    ))
}
