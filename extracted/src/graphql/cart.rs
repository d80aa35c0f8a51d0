//! `Types::CartType` and `Types::CartLineType`.

use serde_json::{Map, Value};

use super::products::{money, variant};
use crate::{
    contract::{Ctx, HandlerError},
    models::cart::{Cart, CartLine},
    rails::graphql::Selection,
};

/// What is asked of a cart.
pub(super) async fn value(
    ctx: &mut Ctx,
    asked: &Selection<'_>,
    cart: &Cart,
) -> Result<Value, HandlerError> {
    let mut value = Map::new();
    let mut pricing = None;
    for selected in asked.fields("Cart")? {
        let field = selected.field;
        let member = match field.name.as_str() {
            "count" => cart.count().into(),
            "lines" => {
                let lines = cart.lines.iter().map(|it| line(&selected.below, it));
                lines.collect::<Result<Value, HandlerError>>()?
            }
            "__typename" => "Cart".into(),
            name => {
                let pricing = match &mut pricing {
                    Some(pricing) => pricing,
                    none => none.insert(cart.pricing(&mut ctx.tx, ctx.now).await?),
                };
                money(match name {
                    "discount" => pricing.discount,
                    "shipping" => pricing.shipping,
                    "subtotal" => pricing.subtotal,
                    _ => pricing.total,
                })
            }
        };
        value.insert(field.key().to_owned(), member);
    }
    Ok(Value::Object(value))
}

fn line(asked: &Selection<'_>, line: &CartLine) -> Result<Value, HandlerError> {
    let mut value = Map::new();
    for selected in asked.fields("CartLine")? {
        let field = selected.field;
        let it = &line.variant;
        let member = match field.name.as_str() {
            "id" => line.id.to_string().into(),
            "quantity" => line.quantity.into(),
            "total" => money(line.total()),
            "variant" => variant(&selected.below, it.id, &it.sku, &it.title, it.price, it.stock)?,
            _ => "CartLine".into(),
        };
        value.insert(field.key().to_owned(), member);
    }
    Ok(Value::Object(value))
}
