//! `CartSerializer`.

use serde::Serialize;

use crate::{
    models::{cart::Cart, pricing::Pricing},
    rails::column::{BigDecimal, DateTime},
};

#[derive(Debug, Serialize)]
struct Json<'a> {
    lines: Vec<Line<'a>>,
    count: i64,
    subtotal: BigDecimal,
    promotions: Vec<Promotion<'a>>,
    discount: BigDecimal,
    shipping: BigDecimal,
    tax: BigDecimal,
    total: BigDecimal,
    updated_at: Option<DateTime>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: i64,
    variant_id: i64,
    product_id: i64,
    title: String,
    sku: &'a str,
    quantity: i32,
    unit_price: BigDecimal,
    total: BigDecimal,
    in_stock: bool,
}

#[derive(Debug, Serialize)]
struct Promotion<'a> {
    code: &'a str,
    name: &'a str,
    discount: BigDecimal,
}

/// A cart with its price.
pub(crate) fn cart<'a>(cart: &'a Cart, pricing: &'a Pricing) -> impl Serialize + 'a {
    let line = cart.lines.iter().map(|it| Line {
        id: it.id,
        variant_id: it.variant.id,
        product_id: it.variant.product_id,
        title: it.variant.full_title(),
        sku: &it.variant.sku,
        quantity: it.quantity,
        unit_price: BigDecimal(it.variant.price),
        total: BigDecimal(it.total()),
        in_stock: it.variant.stock >= it.quantity,
    });
    let promotion = pricing.applied.iter().map(|(promotion, discount)| Promotion {
        code: &promotion.code,
        name: &promotion.name,
        discount: BigDecimal(*discount),
    });
    Json {
        lines: line.collect(),
        count: cart.count(),
        subtotal: BigDecimal(pricing.subtotal),
        promotions: promotion.collect(),
        discount: BigDecimal(pricing.discount),
        shipping: BigDecimal(pricing.shipping),
        tax: BigDecimal(pricing.tax),
        total: BigDecimal(pricing.total),
        updated_at: cart.updated_at,
    }
}
