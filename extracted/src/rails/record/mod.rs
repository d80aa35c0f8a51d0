//! `ActiveRecord`'s habits on MySQL, for handlers that write their SQL themselves.
//!
//! Nothing here knows a table. What a model does besides (callbacks, validations, `dependent:`,
//! default scopes) stands in its handler. How columns are read is in [`super::column`], how
//! connections behave in [`super::database`].

mod cast;
mod enumeration;
mod row;
#[cfg(test)]
mod tests;

use sqlx::types::Decimal;
use time::{OffsetDateTime, UtcOffset};

pub use cast::{OutOfRange, boolean, decimal, integer};
pub use enumeration::{Enum, Inheritance, NotOfThisKind};
pub use row::{StaleObject, one_row, touch, update_counter};

/// `created_at`, `updated_at` and every other time, as `ActiveRecord` hands it to MySQL: in UTC, cut
/// to the column's `precision` (6 for `timestamps` today, 0 in old tables). MySQL would round, and so
/// write the next second now and then.
///
/// Source: activemodel 6.1, `type/helpers/time_value.rb` (`apply_seconds_precision`).
pub fn truncated(time: OffsetDateTime, precision: u8) -> OffsetDateTime {
    let time = time.to_offset(UtcOffset::UTC);
    let step = 10_u32.pow(9 - u32::from(precision.min(9)));
    let nanosecond = time.nanosecond() - time.nanosecond() % step;
    // It was valid, and has become smaller.
    time.replace_nanosecond(nanosecond).unwrap_or(time)
}

/// `BigDecimal#round(places)`: halves go away from zero. `ActiveRecord` rounds a decimal so to the
/// column's scale before MySQL sees it.
#[must_use]
pub fn round(value: Decimal, places: u32) -> Decimal {
    let Some(dropped) = value.scale().checked_sub(places).filter(|it| *it > 0) else {
        return value;
    };
    let divisor = 10_i128.pow(dropped);
    let (whole, rest) = (value.mantissa() / divisor, value.mantissa() % divisor);
    let away = if rest.abs() * 2 >= divisor { rest.signum() } else { 0 };
    Decimal::from_i128_with_scale(whole + away, places)
}
