//! `Checkout`: turns a cart into a paid order, or changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use rand::{
    Rng as _,
    distr::{Alphanumeric, SampleString as _},
};
use serde::Serialize;
use sqlx::{Executor as _, FromRow, MySqlConnection, QueryBuilder, types::Decimal};
use time::macros::format_description;

use super::{cart::Cart, pricing::Pricing, promotion::Promotion, user::User};
use crate::{
    contract::{Ctx, HandlerError},
    rails::{
        column::BigDecimal,
        job::Worker,
        params::Param,
        record::{touch, truncated},
    },
};

const CONFIRMATION: Worker = Worker::new("OrderConfirmationWorker");

/// Why there is no order.
#[derive(Debug)]
pub(crate) enum Failed {
    /// `Checkout::Failed`, with what the buyer is told.
    Told(String),
    /// Nobody foresaw it.
    Unforeseen(HandlerError),
}

impl<E: Into<HandlerError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Unforeseen(error.into())
    }
}

/// The order that was placed.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) id: i64,
    pub(crate) number: String,
}

/// `order.placed`
#[derive(Debug, Serialize)]
struct Event<'a> {
    number: &'a str,
    total: BigDecimal,
    user_id: i64,
}

/// A variant's row, locked.
#[derive(Debug, FromRow)]
struct Locked {
    id: i64,
    sku: String,
    title: String,
    price: Decimal,
    stock: i32,
}

/// `Checkout.new(cart: cart, user: user, card_token: card_token).call`, of a cart that is locked.
pub(crate) async fn checkout(
    ctx: &mut Ctx,
    cart: &mut Cart,
    user: &User,
    card_token: Option<&Param>,
) -> Result<Placed, Failed> {
    if cart.lines.is_empty() {
        return Err(Failed::Told("Your cart is empty".to_owned()));
    }
    // What Rails' transaction would undo, while the answer to the failure is still to be committed.
    ctx.tx.execute("SAVEPOINT checkout").await?;
    let placed = place(ctx, cart, user, card_token).await;
    if let Err(Failed::Told(_)) = placed {
        ctx.tx.execute("ROLLBACK TO SAVEPOINT checkout").await?;
    }
    placed
}

async fn place(
    ctx: &mut Ctx,
    cart: &mut Cart,
    user: &User,
    card_token: Option<&Param>,
) -> Result<Placed, Failed> {
    lock_variants(&mut ctx.tx, cart).await?;
    let pricing = cart.pricing(&mut ctx.tx, ctx.now).await?;
    take_stock(ctx, cart).await?;
    redeem_promotions(&mut ctx.tx, &pricing).await?;
    let order = create_order(ctx, cart, user, &pricing).await?;
    pay(ctx, &order, pricing.total, card_token).await?;
    let total = BigDecimal(pricing.total);
    let event = Event { number: &order.number, total, user_id: user.id };
    ctx.event("order.placed", ("Order", order.id.cast_unsigned()), &event).await?;
    let products: BTreeSet<_> = cart.lines.iter().map(|it| it.variant.product_id).collect();
    cart.empty(&mut ctx.tx, ctx.now).await?;
    // The variants' `touch: true`, which Rails puts off until it commits. In id order, so that two
    // checkouts of the same products wait for each other.
    for product in products {
        touch(&mut ctx.tx, "products", product.cast_unsigned(), &[], false, ctx.now).await?;
    }
    let job = CONFIRMATION.perform_async(&[order.id.into()], &mut ctx.stamp())?;
    ctx.jobs.push(job);
    Ok(order)
}

/// In id order, so that two checkouts of the same variants wait for each other instead of
/// deadlocking. From here on the lines have what is true now.
async fn lock_variants(database: &mut MySqlConnection, cart: &mut Cart) -> Result<(), Failed> {
    let sql = "SELECT id, sku, title, price, stock FROM variants WHERE id IN (";
    let mut select = QueryBuilder::new(sql);
    let mut ids = select.separated(", ");
    for line in &cart.lines {
        ids.push_bind(line.variant.id);
    }
    let select = select.push(") ORDER BY id FOR UPDATE").build_query_as();
    let locked: Vec<Locked> = select.fetch_all(database).await?;
    let mut locked: BTreeMap<_, _> = locked.into_iter().map(|it| (it.id, it)).collect();
    for line in &mut cart.lines {
        // No two lines of a cart are of one variant.
        let Locked { sku, title, price, stock, .. } =
            locked.remove(&line.variant.id).ok_or(sqlx::Error::RowNotFound)?;
        (line.variant.sku, line.variant.title) = (sku, title);
        (line.variant.price, line.variant.stock) = (price, stock);
    }
    Ok(())
}

/// All or nothing, in id order.
async fn take_stock(ctx: &mut Ctx, cart: &Cart) -> Result<(), Failed> {
    let mut lines: Vec<_> = cart.lines.iter().collect();
    lines.sort_unstable_by_key(|it| it.variant.id);
    for line in &lines {
        let variant = &line.variant;
        if !variant.is_buyable() || variant.stock < line.quantity {
            let left = format!("Only {} left of {}", variant.stock, variant.full_title());
            return Err(Failed::Told(left));
        }
    }
    for line in lines {
        let sql = "UPDATE variants SET stock = ?, updated_at = ? WHERE id = ?";
        let update = sqlx::query(sql).bind(line.variant.stock - line.quantity);
        let update = update.bind(truncated(ctx.now, 6)).bind(line.variant.id);
        update.execute(&mut *ctx.tx).await?;
    }
    Ok(())
}

async fn redeem_promotions(
    database: &mut MySqlConnection,
    pricing: &Pricing,
) -> Result<(), Failed> {
    for (promotion, _) in &pricing.applied {
        if !promotion.redeem(&mut *database).await? {
            return Err(Failed::Told(format!("{} has been used up", promotion.code)));
        }
    }
    Ok(())
}

/// The order with its lines. That they touch it changes nothing: it is as young as they are.
async fn create_order(
    ctx: &mut Ctx,
    cart: &Cart,
    user: &User,
    pricing: &Pricing,
) -> Result<Placed, Failed> {
    let now = truncated(ctx.now, 6);
    let promotion_id = match cart.promotion_id {
        Some(id) => Promotion::existing(&mut ctx.tx, id).await?,
        None => None,
    };
    let number = number(ctx);
    let sql = "INSERT INTO orders (user_id, promotion_id, number, subtotal, discount, shipping, \
               tax, total, placed_at, created_at, updated_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let insert = sqlx::query(sql).bind(user.id).bind(promotion_id).bind(&number);
    let insert = insert.bind(pricing.subtotal).bind(pricing.discount).bind(pricing.shipping);
    let insert = insert.bind(pricing.tax).bind(pricing.total).bind(now).bind(now).bind(now);
    let id = insert.execute(&mut *ctx.tx).await?.last_insert_id().cast_signed();
    let sql = "INSERT INTO order_lines \
               (order_id, variant_id, title, unit_price, quantity, total, created_at, updated_at) ";
    let mut insert = QueryBuilder::new(sql);
    insert.push_values(&cart.lines, |mut row, line| {
        row.push_bind(id).push_bind(line.variant.id).push_bind(line.variant.full_title());
        row.push_bind(line.variant.price).push_bind(line.quantity).push_bind(line.total());
        row.push_bind(now).push_bind(now);
    });
    insert.build().execute(&mut *ctx.tx).await?;
    Ok(Placed { id, number })
}

/// `assign_number`
fn number(ctx: &mut Ctx) -> String {
    let day = ctx.now.format(format_description!("[year][month][day]")).unwrap_or_default();
    let random = Alphanumeric.sample_string(&mut ctx.random, 8).to_uppercase();
    format!("SO-{day}-{random}")
}

/// `pay`, at a gateway that takes one card only.
async fn pay(
    ctx: &mut Ctx,
    order: &Placed,
    amount: Decimal,
    card_token: Option<&Param>,
) -> Result<(), Failed> {
    if !matches!(card_token, Some(Param::Text(token)) if token == "tok_ok") {
        return Err(Failed::Told("Your card was declined".to_owned()));
    }
    let mut random = [0; 12];
    ctx.random.fill_bytes(&mut random);
    let (now, reference) = (truncated(ctx.now, 6), format!("ch_{}", hex::encode(random)));
    let sql = "INSERT INTO payments (order_id, amount, reference, created_at, updated_at) \
               VALUES (?, ?, ?, ?, ?)";
    let insert = sqlx::query(sql).bind(order.id).bind(amount).bind(reference);
    insert.bind(now).bind(now).execute(&mut *ctx.tx).await?;
    Ok(())
}
