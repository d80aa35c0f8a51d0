//! What templates may do with figures: `format`, as askama's filters.

#![expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "what askama's `filter_fn` asks for and expands to"
)]

use std::borrow::Borrow;

use askama::{Result, Values, filter_fn};
use time::OffsetDateTime;

use crate::format;

/// `{{ 12345|count }}` is `12,345`.
#[filter_fn]
pub(crate) fn count(number: impl Borrow<u64>, _: &dyn Values) -> Result<String> {
    Ok(format::count(*number.borrow()))
}

/// `{{ 3|counted("request") }}` is `3 requests`.
#[filter_fn]
pub(crate) fn counted(number: impl Borrow<u64>, _: &dyn Values, noun: &str) -> Result<String> {
    Ok(format::counted(*number.borrow(), noun))
}

/// `{{ 0.0032|latency }}` is `3.2 ms`.
#[filter_fn]
pub(crate) fn latency(seconds: &Option<f64>, _: &dyn Values) -> Result<String> {
    Ok(format::latency(*seconds))
}

/// `{{ at|moment }}` is `2026-11-24 11:00:00 UTC`.
#[filter_fn]
pub(crate) fn moment(moment: &OffsetDateTime, _: &dyn Values) -> Result<String> {
    Ok(format::moment(*moment))
}

/// `{{ at|ago(now) }}` is `3 min ago`.
#[filter_fn]
pub(crate) fn ago(moment: &OffsetDateTime, _: &dyn Values, now: &OffsetDateTime) -> Result<String> {
    Ok(format::ago(*moment, *now))
}
