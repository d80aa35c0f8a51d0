//! `CartPricing`: the one place that adds a basket up. The monolith's README gives worked examples.

use sqlx::{MySqlConnection, types::Decimal};
use time::OffsetDateTime;

use super::promotion::Promotion;
use crate::rails::record::round;

/// 4.90
const SHIPPING: Decimal = Decimal::from_parts(490, 0, 0, false, 2);
const FREE_SHIPPING_FROM: Decimal = Decimal::from_parts(50, 0, 0, false, 0);
const VAT_PERCENT: Decimal = Decimal::from_parts(20, 0, 0, false, 0);

/// What is priced: so many of one thing.
pub(crate) trait Line {
    /// Of one.
    fn unit_price(&self) -> Decimal;
    /// How many.
    fn quantity(&self) -> u32;
    /// The product's.
    fn category(&self) -> &str;
    /// Of all.
    fn total(&self) -> Decimal {
        self.unit_price() * Decimal::from(self.quantity())
    }
}

/// A basket's price.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pricing {
    /// The sum of the lines.
    pub(crate) subtotal: Decimal,
    /// What takes something off, and how much.
    pub(crate) applied: Vec<(Promotion, Decimal)>,
    /// What they take off together: at most the subtotal.
    pub(crate) discount: Decimal,
    /// Free from 50.00 of goods, and for nothing.
    pub(crate) shipping: Decimal,
    /// What is to be paid.
    pub(crate) total: Decimal,
    /// The VAT within the total.
    pub(crate) tax: Decimal,
}

impl Pricing {
    /// The price of these lines now, with the automatic promotions and this one, if it is still
    /// active.
    pub(crate) async fn of<L: Line>(
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        lines: &[L],
        coupon: Option<i64>,
    ) -> sqlx::Result<Self> {
        let mut promotions = Promotion::automatic(&mut *database, now).await?;
        if let Some(id) = coupon {
            promotions.extend(Promotion::active(database, now, id).await?);
        }
        Self::with(lines, promotions)
    }

    fn with<L: Line>(lines: &[L], promotions: Vec<Promotion>) -> sqlx::Result<Self> {
        let subtotal: Decimal = lines.iter().map(Line::total).sum();
        let mut applied = Vec::new();
        for promotion in promotions {
            let discount = promotion.discount_on(lines)?;
            if discount > Decimal::ZERO {
                applied.push((promotion, discount));
            }
        }
        let discount = applied.iter().map(|it| it.1).sum::<Decimal>().min(subtotal);
        let goods = subtotal - discount;
        let free = lines.is_empty() || goods >= FREE_SHIPPING_FROM;
        let shipping = if free { Decimal::ZERO } else { SHIPPING };
        let total = goods + shipping;
        let tax = round(total * VAT_PERCENT / (Decimal::ONE_HUNDRED + VAT_PERCENT), 2);
        Ok(Self { subtotal, applied, discount, shipping, total, tax })
    }
}
