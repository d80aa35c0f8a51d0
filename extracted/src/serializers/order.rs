//! `OrderSerializer`.

use serde::Serialize;

use crate::{
    models::order::{Order, OrderLine, Payment},
    rails::column::{BigDecimal, DateTime},
};

#[derive(Debug, Serialize)]
struct Json<'a> {
    id: i64,
    number: &'a str,
    status: Option<&'static str>,
    currency: &'a str,
    lines: Vec<Line<'a>>,
    subtotal: BigDecimal,
    discount: BigDecimal,
    shipping: BigDecimal,
    tax: BigDecimal,
    total: BigDecimal,
    payments: Vec<Paid<'a>>,
    placed_at: DateTime,
    updated_at: DateTime,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: i64,
    variant_id: i64,
    title: &'a str,
    quantity: i32,
    unit_price: BigDecimal,
    total: BigDecimal,
}

#[derive(Debug, Serialize)]
struct Paid<'a> {
    kind: Option<&'static str>,
    amount: BigDecimal,
    reference: &'a str,
}

/// An order with its lines and payments.
pub(crate) fn order<'a>(
    order: &'a Order,
    lines: &'a [OrderLine],
    payments: &'a [Payment],
) -> impl Serialize + 'a {
    let line = |it: &'a OrderLine| Line {
        id: it.id,
        variant_id: it.variant_id,
        title: &it.title,
        quantity: it.quantity,
        unit_price: BigDecimal(it.unit_price),
        total: BigDecimal(it.total),
    };
    let payment = |it: &'a Payment| Paid {
        kind: it.kind(),
        amount: BigDecimal(it.amount),
        reference: &it.reference,
    };
    Json {
        id: order.id,
        number: &order.number,
        status: order.status(),
        currency: &order.currency,
        lines: lines.iter().map(line).collect(),
        subtotal: BigDecimal(order.subtotal),
        discount: BigDecimal(order.discount),
        shipping: BigDecimal(order.shipping),
        tax: BigDecimal(order.tax),
        total: BigDecimal(order.total),
        payments: payments.iter().map(payment).collect(),
        placed_at: order.placed_at,
        updated_at: order.updated_at,
    }
}
