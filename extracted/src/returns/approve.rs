//! `POST /admin/returns/{id}/approve`: `ReturnApproval`.

use rand::Rng as _;
use serde::Serialize;
use sqlx::{FromRow, MySqlConnection, types::Decimal};
use time::OffsetDateTime;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        current_user,
        pages::{self, redirect_with_alert, redirect_with_notice},
    },
    models::returned::{Return, STATES},
    rails::{
        cable::{Broadcast, Channel},
        column::BigDecimal,
        job::{ActiveJob, Argument, GlobalId},
        record::{touch, truncated},
    },
    views::helpers::money,
};

/// As `Admin::ReturnsController#approve`.
pub const APPROVE: Extraction = Extraction {
    id: "returns.approve",
    replaces: "Admin::ReturnsController#approve",
    effects: Effects::RowsAndJobs,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = approve(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

/// `OrderChannel`
const ORDER: Channel = Channel { prefix: Some("shop"), name: "order" };
/// `Order.statuses[:refunded]`
const REFUNDED: i32 = 4;
const PAGE: &str = "/admin/returns";
const NOTIFICATION: ActiveJob = ActiveJob::new("ReturnNotificationJob");

async fn approve(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.posted()?;
    ctx.verify_authenticity_token(request, &parameters)?;
    if !current_user(ctx, request).await?.is_some_and(|it| it.admin) {
        return pages::not_found(ctx, request).await;
    }
    let returned = Return::find_by_id(&mut ctx.tx, request.id("id")?).await?;
    let returned = returned.ok_or(HandlerError::NotFound("Return"))?;
    let state = lock(&mut ctx.tx, returned.id).await?;
    if state != "requested" {
        let why = format!("This return has been {state} already");
        return redirect_with_alert(ctx, request, PAGE, &why);
    }
    let order = Order::find(&mut ctx.tx, returned.order_id).await?;
    order.check()?;
    let becomes_refunded = order.becomes_refunded();
    restock(&mut ctx.tx, ctx.now, returned.id).await?;
    let amount = returned.refund_due()?;
    refund(ctx, &returned, amount, becomes_refunded).await?;
    let id = returned.id.cast_unsigned();
    let payload = Approved { order: &returned.order_number, refund: BigDecimal(amount) };
    ctx.event("return.approved", ("Return", id), &payload).await?;
    if becomes_refunded {
        ctx.broadcasts.push(order_changed(&returned)?);
    }
    let record = [Argument::record("shop", "Return", id)];
    let job = NOTIFICATION.perform_later(&record, &mut ctx.stamp())?;
    ctx.jobs.push(job);
    let notice = format!("{} refunded", money(amount, "EUR"));
    redirect_with_notice(ctx, request, PAGE, &notice)
}

/// `lock!`: the state as it is now.
async fn lock(database: &mut MySqlConnection, id: i64) -> sqlx::Result<&'static str> {
    let sql = "SELECT state FROM returns WHERE id = ? LIMIT 1 FOR UPDATE";
    let state: i32 = sqlx::query_scalar(sql).bind(id).fetch_one(database).await?;
    Ok(STATES.name(state.into()).unwrap_or_default())
}

/// `restock`
async fn restock(
    database: &mut MySqlConnection,
    now: OffsetDateTime,
    return_id: i64,
) -> Result<(), HandlerError> {
    let sql = "SELECT variant_id, CAST(SUM(return_lines.quantity) AS SIGNED) FROM return_lines \
               JOIN order_lines ON order_lines.id = order_line_id WHERE return_id = ? \
               GROUP BY variant_id ORDER BY variant_id";
    let back: Vec<(i64, i64)> =
        sqlx::query_as(sql).bind(return_id).fetch_all(&mut *database).await?;
    for (variant_id, quantity) in back {
        let sql = "SELECT stock, product_id FROM variants WHERE id = ? FOR UPDATE";
        let variant = sqlx::query_as(sql).bind(variant_id).fetch_optional(&mut *database).await?;
        let Some((stock, product_id)): Option<(i32, i64)> = variant else { continue };
        let stock = i32::try_from(i64::from(stock) + quantity)
            .map_err(|_| HandlerError::Declined("the stock exceeds its column"))?;
        let sql = "UPDATE variants SET stock = ?, updated_at = ? WHERE id = ?";
        let update = sqlx::query(sql).bind(stock).bind(truncated(now, 6)).bind(variant_id);
        update.execute(&mut *database).await?;
        touch(&mut *database, "products", product_id.cast_unsigned(), &[], false, now).await?;
    }
    Ok(())
}

/// `refund`, and what else the return holds of it.
async fn refund(
    ctx: &mut Ctx,
    returned: &Return,
    amount: Decimal,
    becomes_refunded: bool,
) -> sqlx::Result<()> {
    let mut reference = [0; 12];
    ctx.random.fill_bytes(&mut reference);
    let at = truncated(ctx.now, 6);
    let sql = "INSERT INTO payments (order_id, kind, amount, reference, created_at, updated_at) \
               VALUES (?, 1, ?, ?, ?, ?)";
    let payment = sqlx::query(sql).bind(returned.order_id).bind(amount);
    let payment = payment.bind(format!("re_{}", hex::encode(reference))).bind(at).bind(at);
    payment.execute(&mut *ctx.tx).await?;
    let sql = "UPDATE returns SET state = 1, refund_amount = ?, approved_at = ?, updated_at = ? \
               WHERE id = ?";
    let update = sqlx::query(sql).bind(amount).bind(at).bind(at).bind(returned.id);
    update.execute(&mut *ctx.tx).await?;
    if becomes_refunded {
        let update = sqlx::query("UPDATE orders SET status = ?, updated_at = ? WHERE id = ?");
        let update = update.bind(REFUNDED).bind(at).bind(returned.order_id);
        return update.execute(&mut *ctx.tx).await.map(drop);
    }
    touch(&mut ctx.tx, "orders", returned.order_id.cast_unsigned(), &[], false, ctx.now).await
}

/// `OrderChannel.broadcast_to(order, OrderChannel.message(order))`
fn order_changed(returned: &Return) -> Result<Broadcast, HandlerError> {
    #[derive(Serialize)]
    struct Message<'a> {
        id: i64,
        number: &'a str,
        status: &'static str,
    }
    let (id, number) = (returned.order_id, &*returned.order_number);
    let order = GlobalId::new("shop", "Order", &id.to_string());
    let message = Message { id, number, status: "refunded" };
    ORDER.broadcast_to(&order, &message).map_err(HandlerError::Json)
}

/// What becomes of the order.
#[derive(Debug, FromRow)]
struct Order {
    status: i32,
    charged: bool,
    /// Every unit of it has been sent back.
    whole: bool,
}

impl Order {
    async fn find(database: &mut MySqlConnection, id: i64) -> sqlx::Result<Self> {
        let sql = "SELECT status, EXISTS (SELECT 1 FROM payments WHERE order_id = orders.id \
                   AND kind = 0) AS charged, NOT EXISTS (SELECT 1 FROM order_lines \
                   WHERE order_id = orders.id AND quantity <> COALESCE((SELECT \
                   SUM(return_lines.quantity) FROM return_lines \
                   WHERE order_line_id = order_lines.id), 0)) AS whole FROM orders WHERE id = ?";
        sqlx::query_as(sql).bind(id).fetch_one(database).await
    }

    /// Before anything is written: Rails would roll it back.
    fn check(&self) -> Result<(), HandlerError> {
        self.charged.then_some(()).ok_or(HandlerError::NotFound("Payment"))
    }

    fn becomes_refunded(&self) -> bool {
        self.whole && self.status != REFUNDED
    }
}

#[derive(Debug, Serialize)]
struct Approved<'a> {
    order: &'a str,
    refund: BigDecimal,
}
