//! `Order`, `OrderLine` and `Payment`.

use sqlx::{FromRow, MySqlConnection, types::Decimal};

use crate::{
    contract::HandlerError,
    rails::{column::DateTime, record::Enum},
};

const STATUS: Enum =
    Enum(&[("pending", 0), ("confirmed", 1), ("shipped", 2), ("cancelled", 3), ("refunded", 4)]);
const KIND: Enum = Enum(&[("charge", 0), ("refund", 1)]);

/// The columns of an [`Order`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, number, status, currency, subtotal, discount, shipping, tax, total, \
             placed_at, updated_at, (SELECT CAST(COALESCE(SUM(quantity), 0) AS SIGNED) \
             FROM order_lines WHERE order_id = orders.id) AS items FROM orders ",
            $rest
        )
    };
}

/// What somebody has bought.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) number: String,
    status: i32,
    pub(crate) currency: String,
    pub(crate) subtotal: Decimal,
    pub(crate) discount: Decimal,
    pub(crate) shipping: Decimal,
    pub(crate) tax: Decimal,
    pub(crate) total: Decimal,
    pub(crate) placed_at: DateTime,
    pub(crate) updated_at: DateTime,
    /// `lines.sum(&:quantity)`
    pub(crate) items: i64,
}

/// So many of one variant, at the price of that day.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct OrderLine {
    pub(crate) id: i64,
    pub(crate) variant_id: i64,
    pub(crate) title: String,
    pub(crate) unit_price: Decimal,
    pub(crate) quantity: i32,
    pub(crate) total: Decimal,
    /// How many of them are on their way back, or were.
    returned: i64,
}

/// Money that went to us or back.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Payment {
    kind: i32,
    pub(crate) amount: Decimal,
    pub(crate) reference: String,
}

impl Order {
    /// `user.orders.newest_first`
    pub(crate) async fn newest_of_user(
        database: &mut MySqlConnection,
        user_id: i64,
    ) -> sqlx::Result<Vec<Self>> {
        let sql = select!("WHERE user_id = ? ORDER BY placed_at DESC, id DESC");
        sqlx::query_as(sql).bind(user_id).fetch_all(database).await
    }

    /// `user.orders.find(id)`
    pub(crate) async fn of_user(
        database: &mut MySqlConnection,
        user_id: i64,
        id: Option<i64>,
    ) -> Result<Self, HandlerError> {
        let sql = select!("WHERE user_id = ? AND id = ?");
        let order = sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(database).await?;
        order.ok_or(HandlerError::NotFound("Order"))
    }

    /// `status`; nil where the column holds what the class does not know.
    pub(crate) fn status(&self) -> Option<&'static str> {
        STATUS.name(self.status.into())
    }

    /// `lines`
    pub(crate) async fn lines(
        &self,
        database: &mut MySqlConnection,
    ) -> sqlx::Result<Vec<OrderLine>> {
        let sql = "SELECT id, variant_id, title, unit_price, quantity, total, \
                   (SELECT CAST(COALESCE(SUM(quantity), 0) AS SIGNED) FROM return_lines \
                   WHERE order_line_id = order_lines.id) AS returned \
                   FROM order_lines WHERE order_id = ? ORDER BY id";
        sqlx::query_as(sql).bind(self.id).fetch_all(database).await
    }

    /// `payments`, in the order of the index that finds them.
    pub(crate) async fn payments(
        &self,
        database: &mut MySqlConnection,
    ) -> sqlx::Result<Vec<Payment>> {
        let sql = "SELECT kind, amount, reference FROM payments WHERE order_id = ? ORDER BY id";
        sqlx::query_as(sql).bind(self.id).fetch_all(database).await
    }
}

impl OrderLine {
    /// `returnable_quantity`
    pub(crate) fn returnable_quantity(&self) -> i64 {
        i64::from(self.quantity) - self.returned
    }
}

impl Payment {
    /// `kind`
    pub(crate) fn kind(&self) -> Option<&'static str> {
        KIND.name(self.kind.into())
    }
}
