//! `ApplicationHelper`: how the shop's pages write money and times.

use sqlx::types::Decimal;
use time::OffsetDateTime;

use crate::rails::html::{Html, distance_of_time_in_words, number_to_currency, time_tag};

/// `money(amount, currency)`
pub(crate) fn money(amount: Decimal, currency: &str) -> Html {
    match currency {
        "EUR" => number_to_currency(amount, "€"),
        "GBP" => number_to_currency(amount, "£"),
        "USD" => number_to_currency(amount, "$"),
        other => number_to_currency(amount, &format!("{other} ")),
    }
}

/// `ago(time)`
pub(crate) fn ago(now: OffsetDateTime, time: OffsetDateTime) -> Html {
    time_tag(&format!("{} ago", distance_of_time_in_words(time, now)), time)
}
