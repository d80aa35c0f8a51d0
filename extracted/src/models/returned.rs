//! `Return`, with what is asked of its order, and `ReturnLine`.

use sqlx::{FromRow, MySqlConnection, types::Decimal};

use crate::{
    contract::HandlerError,
    rails::{column::DateTime, record::Enum},
};

/// `enum state:`
pub(crate) const STATES: Enum = Enum(&[("requested", 0), ("approved", 1), ("rejected", 2)]);

/// What a buyer sends back.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Return {
    pub(crate) id: i64,
    pub(crate) order_id: i64,
    state: i32,
    pub(crate) reason: String,
    pub(crate) refund_amount: Option<Decimal>,
    pub(crate) created_at: DateTime,
    pub(crate) order_number: String,
    pub(crate) user_name: String,
    subtotal: Decimal,
    discount: Decimal,
    /// Of all its lines.
    gross: Decimal,
}

macro_rules! returns {
    ($rest:literal) => {
        concat!(
            "SELECT returns.id, order_id, state, reason, refund_amount, returns.created_at, \
             number AS order_number, users.name AS user_name, subtotal, discount, \
             (SELECT COALESCE(SUM(unit_price * return_lines.quantity), 0) FROM return_lines \
             JOIN order_lines ON order_lines.id = order_line_id WHERE return_id = returns.id) \
             AS gross FROM returns LEFT JOIN orders ON orders.id = order_id \
             LEFT JOIN users ON users.id = user_id ",
            $rest
        )
    };
}

impl Return {
    /// `Return.find_by(id: id)`
    pub(crate) async fn find_by_id(
        database: &mut MySqlConnection,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = returns!("WHERE returns.id = ?");
        sqlx::query_as(sql).bind(id).fetch_optional(database).await
    }

    /// The user's own.
    pub(crate) async fn of_user(
        database: &mut MySqlConnection,
        user_id: i64,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = returns!("WHERE orders.user_id = ? AND returns.id = ?");
        sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(database).await
    }

    /// `Return.order(state: :asc, id: :desc).limit(100)`
    pub(crate) async fn to_review(database: &mut MySqlConnection) -> sqlx::Result<Vec<Self>> {
        let sql = returns!("ORDER BY state ASC, returns.id DESC LIMIT 100");
        sqlx::query_as(sql).fetch_all(database).await
    }

    /// `state`
    pub(crate) fn state(&self) -> &'static str {
        STATES.name(self.state.into()).unwrap_or_default()
    }

    /// `requested?`
    pub(crate) fn is_requested(&self) -> bool {
        self.state() == "requested"
    }

    /// `refund_due`: neither the units' share of the order's discount nor shipping comes back.
    ///
    /// # Errors
    /// Where the last digit hangs on how many digits Ruby gives a quotient.
    pub(crate) fn refund_due(&self) -> Result<Decimal, HandlerError> {
        const ODD: HandlerError = HandlerError::Declined("a refund that only Ruby can round");
        let cents = |it: Decimal| (it * Decimal::ONE_HUNDRED).try_into().ok();
        let amounts =
            (cents(self.gross), cents(self.subtotal), cents(self.subtotal - self.discount));
        let (Some(gross), Some(subtotal), Some(paid)) = amounts else { return Err(ODD) };
        let due = share(gross, paid, subtotal).ok_or(ODD)?;
        Decimal::try_from_i128_with_scale(due, 2).map_err(|_| ODD)
    }
}

/// `(gross * (paid / subtotal)).round`, half up; nothing of nothing.
///
/// `BigDecimal` rounds the quotient in parentheses after some thirty digits, which shows only where
/// the product would be a half: `None` then, unless the quotient has few digits.
fn share(gross: i128, paid: i128, subtotal: i128) -> Option<i128> {
    if subtotal == 0 {
        return Some(0);
    }
    if gross < 0 || paid < 0 || subtotal < 0 {
        return None;
    }
    let product = gross * paid;
    let (whole, rest) = (product / subtotal, product % subtotal);
    let is_half = rest * 2 == subtotal;
    // A quotient of nine digits at most is exact.
    let exact = paid * 1_000_000_000 % subtotal == 0;
    (exact || !is_half).then(|| whole + i128::from(rest * 2 >= subtotal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_half_up() {
        for (gross, paid, subtotal, due) in [
            (1999, 5397, 5997, 1799),
            (1, 1, 2, 1),
            (3, 1, 2, 2),
            (5, 1, 3, 2),
            (100, 0, 100, 0),
            (100, 100, 100, 100),
            (100, 0, 0, 0),
        ] {
            assert_eq!(share(gross, paid, subtotal), Some(due), "{gross} * {paid} / {subtotal}");
        }
    }

    #[test]
    fn a_half_of_a_quotient_without_an_end_is_left_to_ruby() {
        // 0.03 * (1 / 6) is 0.005, but with a rounded sixth it is more.
        assert_eq!(share(3, 1, 6), None);
        assert_eq!(share(4, 1, 6), Some(1));
    }
}
