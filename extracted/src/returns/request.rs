//! `POST /orders/{order_id}/returns`: `ReturnRequest`.

use serde::Serialize;
use sqlx::{FromRow, MySqlConnection};
use time::OffsetDateTime;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{current_user, pages},
    rails::{
        column::DateTime,
        params::{Param, Params},
        record::{touch, truncated},
        string::to_i,
    },
};

/// As `ReturnsController#create`.
pub const REQUEST: Extraction = Extraction {
    id: "returns.request",
    replaces: "ReturnsController#create",
    effects: Effects::Rows,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = create(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

/// So many units of an order's line.
type Wanted = (i64, i64);

async fn create(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.posted()?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let Some(user) = current_user(ctx, request).await? else {
        return pages::login_required(ctx, request);
    };
    let order = Order::find(&mut ctx.tx, user.id, request.id("order_id")?).await?;
    let order = order.ok_or(HandlerError::NotFound("Order"))?;
    let (wanted, reason) = (quantities(&parameters.all)?, reason(&parameters.all)?);
    match open(ctx, &order, &wanted, &reason).await? {
        Ok(id) => {
            let path = format!("/returns/{id}");
            pages::redirect_with_notice(ctx, request, &path, "Your return is registered")
        }
        Err(why) => {
            pages::redirect_with_alert(ctx, request, &format!("/orders/{}", order.id), &why)
        }
    }
}

/// `ReturnRequest#call`: the return's id, or why there is none.
async fn open(
    ctx: &mut Ctx,
    order: &Order,
    wanted: &[Wanted],
    reason: &str,
) -> Result<Result<i64, String>, HandlerError> {
    if !order.is_returnable() {
        return Ok(Err("This order cannot be returned".to_owned()));
    }
    if wanted.is_empty() {
        return Ok(Err("Choose at least one item".to_owned()));
    }
    order.lock(&mut ctx.tx).await?;
    for &(line_id, quantity) in wanted {
        let line = Line::find(&mut ctx.tx, order.id, line_id).await?;
        let line = line.ok_or(HandlerError::NotFound("OrderLine"))?;
        if quantity > line.returnable {
            let Line { returnable, title, .. } = line;
            return Ok(Err(format!("You can send back at most {returnable} of {title}")));
        }
    }
    let id = insert(&mut ctx.tx, ctx.now, order.id, wanted, reason).await?;
    let payload = Requested { order: &order.number };
    ctx.event("return.requested", ("Return", id.cast_unsigned()), &payload).await?;
    Ok(Ok(id))
}

/// `save!`, which touches the return for its lines, and the order for the return.
async fn insert(
    database: &mut MySqlConnection,
    now: OffsetDateTime,
    order_id: i64,
    wanted: &[Wanted],
    reason: &str,
) -> sqlx::Result<i64> {
    let at = truncated(now, 6);
    let sql = "INSERT INTO returns (order_id, state, reason, created_at, updated_at) \
               VALUES (?, 0, ?, ?, ?)";
    let returned = sqlx::query(sql).bind(order_id).bind(reason).bind(at).bind(at);
    let id = returned.execute(&mut *database).await?.last_insert_id().cast_signed();
    for (line_id, quantity) in wanted {
        let sql = "INSERT INTO return_lines (return_id, order_line_id, quantity, created_at, \
                   updated_at) VALUES (?, ?, ?, ?, ?)";
        let line = sqlx::query(sql).bind(id).bind(line_id).bind(quantity).bind(at).bind(at);
        line.execute(&mut *database).await?;
    }
    touch(database, "orders", order_id.cast_unsigned(), &[], false, now).await?;
    Ok(id)
}

/// `params.fetch(:quantities, {}).permit!.to_h`, of which the positive ones are wanted.
fn quantities(params: &Params) -> Result<Vec<Wanted>, HandlerError> {
    const ODD: HandlerError = HandlerError::Declined("the quantities are no table of numbers");
    let quantities = match params.get("quantities") {
        None => return Ok(Vec::new()),
        Some(Param::Hash(quantities)) => quantities,
        Some(_) => return Err(ODD),
    };
    let mut wanted = Vec::new();
    for (line, quantity) in quantities.iter() {
        let quantity = match quantity {
            Param::Nil => 0,
            Param::Text(text) => to_i(text),
            Param::Number(number) => number.as_i64().ok_or(ODD)?,
            _ => return Err(ODD),
        };
        if quantity > 0 {
            wanted.push((to_i(line), quantity));
        }
    }
    Ok(wanted)
}

/// `params[:reason].to_s.truncate(200)`
fn reason(params: &Params) -> Result<String, HandlerError> {
    const LONGEST: usize = 200;
    const OMISSION: &str = "...";
    let reason = match params.get("reason") {
        None | Some(Param::Nil) => "",
        Some(Param::Text(text)) => text,
        Some(_) => return Err(HandlerError::Declined("the reason is no text")),
    };
    if reason.chars().count() <= LONGEST {
        return Ok(reason.to_owned());
    }
    let kept: String = reason.chars().take(LONGEST - OMISSION.len()).collect();
    Ok(kept + OMISSION)
}

#[derive(Debug, FromRow)]
struct Order {
    id: i64,
    number: String,
    status: i32,
    updated_at: DateTime,
}

impl Order {
    /// `user.orders.find_by(id: id)`
    async fn find(
        database: &mut MySqlConnection,
        user_id: i64,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = "SELECT id, number, status, updated_at FROM orders WHERE user_id = ? AND id = ?";
        sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(database).await
    }

    /// `confirmed? || shipped?`
    const fn is_returnable(&self) -> bool {
        matches!(self.status, 1 | 2)
    }

    /// `lock!`. In Rails the transaction begins here, and sees what others have returned before.
    /// Ours has begun already, and would not; but whoever returns something touches the order.
    async fn lock(&self, database: &mut MySqlConnection) -> Result<(), HandlerError> {
        let sql = "SELECT updated_at FROM orders WHERE id = ? LIMIT 1 FOR UPDATE";
        let updated_at: DateTime =
            sqlx::query_scalar(sql).bind(self.id).fetch_one(database).await?;
        if updated_at != self.updated_at {
            return Err(HandlerError::Declined("somebody else has changed the order meanwhile"));
        }
        Ok(())
    }
}

#[derive(Debug, FromRow)]
struct Line {
    title: String,
    /// `returnable_quantity`
    returnable: i64,
}

impl Line {
    /// `order.lines.find_by(id: id)`
    async fn find(
        database: &mut MySqlConnection,
        order_id: i64,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = "SELECT title, CAST(quantity - COALESCE((SELECT SUM(return_lines.quantity) \
                   FROM return_lines WHERE order_line_id = order_lines.id), 0) AS SIGNED) \
                   AS returnable FROM order_lines WHERE order_id = ? AND id = ?";
        sqlx::query_as(sql).bind(order_id).bind(id).fetch_optional(database).await
    }
}

#[derive(Debug, Serialize)]
struct Requested<'a> {
    order: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(form: &str) -> Params {
        Params::from_form(form.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_positive_is_not_wanted() {
        let form = params("quantities[1]=2&quantities[2]=0&quantities[3]=-1&quantities[4]=x");
        assert_eq!(quantities(&form).unwrap(), [(1, 2)]);
        assert_eq!(quantities(&params("quantities[7x]=3abc")).unwrap(), [(7, 3)]);
        assert_eq!(quantities(&params("")).unwrap(), []);
        for odd in ["quantities=1", "quantities[]=1", "quantities[1][]=1", "quantities"] {
            assert!(quantities(&params(odd)).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_reason_is_cut_to_two_hundred_letters() {
        let of = |length| reason(&params(&format!("reason={}", "ä".repeat(length)))).unwrap();
        assert_eq!(of(200), "ä".repeat(200));
        assert_eq!(of(201), "ä".repeat(197) + "...");
        assert_eq!(reason(&params("reason")).unwrap(), "");
        assert!(reason(&params("reason[]=1")).is_err());
    }
}
