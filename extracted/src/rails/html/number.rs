//! Numbers as a page shows them, in English.
//!
//! Source: activesupport 6.1, `number_helper/*.rb` and `locale/en.yml`.

use sqlx::types::Decimal;

use super::{super::record::round, Html};

/// `number_to_currency(amount, unit: unit)`: `-€1,234.50`.
pub fn number_to_currency(amount: Decimal, unit: &str) -> Html {
    let sign = if amount.is_sign_negative() { "-" } else { "" };
    let rounded = format!("{:.2}", round(amount.abs(), 2));
    let (whole, fraction) = rounded.split_once('.').unwrap_or((&rounded, "00"));
    Html::text(&format!("{sign}{unit}{}.{fraction}", delimited(whole)))
}

/// `number_with_precision(value, precision: precision)`; `None` for what has more digits than a money
/// amount can have, and for infinities.
pub fn number_with_precision(value: f64, precision: u32) -> Option<String> {
    // Rust and Ruby agree on the shortest digits that mean this float, but where two are equally near.
    let decimal: Decimal = value.to_string().parse().ok()?;
    let places = usize::try_from(precision).ok()?;
    let sign = if value.is_sign_negative() { "-" } else { "" };
    Some(format!("{sign}{:.places$}", round(decimal.abs(), precision)))
}

/// `pluralize(count, singular, plural)`
pub fn pluralize(count: u64, singular: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { plural })
}

/// A comma before every third digit from the right.
fn delimited(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
