//! `Promotion` and its three kinds.

use sqlx::{FromRow, MySqlConnection, types::Decimal};
use time::OffsetDateTime;

use super::pricing::Line;
use crate::rails::record::{round, truncated};

/// What may be taken off a basket.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Promotion {
    pub(crate) id: i64,
    #[sqlx(rename = "type")]
    kind: String,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) category: Option<String>,
    percent: Option<Decimal>,
    amount: Option<Decimal>,
    buy_quantity: Option<i32>,
    free_quantity: Option<i32>,
    minimum_total: Option<Decimal>,
}

/// `Promotion.active`; three times the same moment is bound.
macro_rules! active {
    ($also:literal) => {
        concat!(
            "SELECT id, type, code, name, category, percent, amount, buy_quantity, free_quantity, \
             minimum_total FROM promotions WHERE ",
            $also,
            " AND (starts_at IS NULL OR starts_at <= ?) AND (ends_at IS NULL OR ends_at > ?) \
             AND (usage_limit IS NULL OR used_count < usage_limit)"
        )
    };
}

impl Promotion {
    /// `Promotion.automatic.active`, in the order of their ids.
    pub(crate) async fn automatic(
        database: &mut MySqlConnection,
        now: OffsetDateTime,
    ) -> sqlx::Result<Vec<Self>> {
        let now = truncated(now, 6);
        let sql = concat!(active!("automatic = 1"), " ORDER BY id");
        sqlx::query_as(sql).bind(now).bind(now).fetch_all(database).await
    }

    /// `Promotion.active.find_by(id: id)`
    pub(crate) async fn active(
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let now = truncated(now, 6);
        let sql = active!("id = ?");
        sqlx::query_as(sql).bind(id).bind(now).bind(now).fetch_optional(database).await
    }

    /// `Promotion.find_by_code(code)`, for a code that is stripped and in capitals.
    pub(crate) async fn find_by_code(
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        code: &str,
    ) -> sqlx::Result<Option<Self>> {
        let now = truncated(now, 6);
        let sql = concat!(active!("automatic = 0 AND code = ?"), " LIMIT 1");
        sqlx::query_as(sql).bind(code).bind(now).bind(now).fetch_optional(database).await
    }

    /// `Promotion.find_by(id: id)`: the id of one that there is, active or not.
    pub(crate) async fn existing(
        database: &mut MySqlConnection,
        id: i64,
    ) -> sqlx::Result<Option<i64>> {
        let sql = "SELECT id FROM promotions WHERE id = ?";
        sqlx::query_scalar(sql).bind(id).fetch_optional(database).await
    }

    /// `redeem`: counts one use; false when another order took the last one in the meantime.
    pub(crate) async fn redeem(&self, database: &mut MySqlConnection) -> sqlx::Result<bool> {
        let sql = "UPDATE promotions SET used_count = used_count + 1 \
                   WHERE id = ? AND (usage_limit IS NULL OR used_count < usage_limit)";
        Ok(sqlx::query(sql).bind(self.id).execute(database).await?.rows_affected() == 1)
    }

    /// What it takes off these lines: nothing unless it applies to some of them, and they reach its
    /// minimum.
    pub(crate) fn discount_on<L: Line>(&self, lines: &[L]) -> sqlx::Result<Decimal> {
        let applies = |it: &&L| self.category.as_deref().is_none_or(|own| own == it.category());
        let eligible: Vec<&L> = lines.iter().filter(applies).collect();
        let total: Decimal = eligible.iter().map(|it| it.total()).sum();
        if eligible.is_empty() || self.minimum_total.is_some_and(|minimum| total < minimum) {
            return Ok(Decimal::ZERO);
        }
        match (self.kind.as_str(), self.percent, self.amount) {
            ("PercentPromotion", Some(percent), _) => {
                Ok(round(total * percent / Decimal::ONE_HUNDRED, 2))
            }
            ("FixedPromotion", _, Some(amount)) => Ok(amount.min(total)),
            ("BuyXGetYPromotion", ..) => self.free_units(&eligible),
            _ => Err(self.unknown()),
        }
    }

    /// Units, dearest first, form groups of buy + free; the cheapest `free` of each full group cost
    /// nothing.
    fn free_units<L: Line>(&self, lines: &[&L]) -> sqlx::Result<Decimal> {
        let whole = |it: Option<i32>| it.and_then(|it| usize::try_from(it).ok());
        let (Some(buy), Some(free)) = (whole(self.buy_quantity), whole(self.free_quantity)) else {
            return Err(self.unknown());
        };
        let group = (buy + free).max(1);
        let units = |it: &&L| std::iter::repeat_n(it.unit_price(), it.quantity() as usize);
        let mut units: Vec<Decimal> = lines.iter().flat_map(units).collect();
        units.sort_unstable_by(|a, b| b.cmp(a));
        Ok(units.chunks_exact(group).flat_map(|it| &it[buy.min(group)..]).sum())
    }

    fn unknown(&self) -> sqlx::Error {
        sqlx::Error::Decode(format!("promotion {} is of no known kind", self.id).into())
    }
}
