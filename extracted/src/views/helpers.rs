//! `ApplicationHelper`: how the shop's pages write money and times.

use sqlx::types::Decimal;
use time::OffsetDateTime;

use crate::{
    contract::HandlerError,
    rails::html::{
        Html, distance_of_time_in_words, number_to_currency, number_with_precision, time_tag,
    },
};

/// `money(amount, currency)`
pub(crate) fn money(amount: Decimal, currency: &str) -> Html {
    match currency {
        "EUR" => number_to_currency(amount, "€"),
        "GBP" => number_to_currency(amount, "£"),
        "USD" => number_to_currency(amount, "$"),
        other => number_to_currency(amount, &format!("{other} ")),
    }
}

/// `stars(rating)`
pub(crate) fn stars(rating: Option<f64>) -> Result<String, HandlerError> {
    const ODD: HandlerError = HandlerError::Declined("a rating has more digits than are read here");
    match rating {
        Some(rating) => Ok(format!("★ {}", number_with_precision(rating, 1).ok_or(ODD)?)),
        None => Ok("not rated yet".to_owned()),
    }
}

/// `ago(time)`
pub(crate) fn ago(now: OffsetDateTime, time: OffsetDateTime) -> Html {
    time_tag(&format!("{} ago", distance_of_time_in_words(time, now)), time)
}
