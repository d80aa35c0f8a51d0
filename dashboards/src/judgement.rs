//! A verdict in words.

use shadow::{RouteReport, Verdict};

use crate::format;

/// A verdict in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The CSS class of its pill.
    pub(crate) class: &'static str,
    /// The pill.
    pub(crate) word: &'static str,
    /// The pill as a sentence.
    pub(crate) headline: &'static str,
    /// Why, or what is missing, in sentences; empty when the headline says it all.
    pub(crate) why: String,
    /// What stands between the route and being ready, in a few words; empty when nothing does.
    pub(crate) note: String,
}

impl Judgement {
    /// The verdict of a report.
    pub(crate) fn of(report: &RouteReport) -> Self {
        match &report.verdict {
            Verdict::Ready => Self {
                class: "ready",
                word: "ready",
                headline: "Ready to answer buyers",
                why: "Enough requests were compared to say that the budget is kept.".into(),
                note: String::new(),
            },
            Verdict::NotReady { why } => Self {
                class: "not-ready",
                word: "not ready",
                headline: "Not ready",
                why: sentence(why),
                note: why.clone(),
            },
            Verdict::Undecided { more_requests, why } => {
                let more = format::counted(*more_requests, "more request");
                let time = time_for(report, *more_requests).map(format::span);
                Self {
                    class: "undecided",
                    word: "undecided",
                    headline: "Too early to tell",
                    why: match &time {
                        Some(time) => {
                            format!("Still missing: {why}. At the present rate they take {time}.")
                        }
                        None => format!("Still missing: {why}."),
                    },
                    note: match time {
                        Some(time) => format!("{more}, {time} at the present rate"),
                        None => more,
                    },
                }
            }
        }
    }

    /// Of a route in shadow that has no report yet.
    pub(crate) fn waiting() -> Self {
        Self {
            class: "undecided",
            word: "waiting",
            headline: "Waiting for the first request",
            why: String::new(),
            note: "no request compared yet".into(),
        }
    }
}

/// A reason as the judge gives it, with a capital letter and a full stop.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    letters
        .next()
        .map_or_else(String::new, |it| format!("{}{}.", it.to_uppercase(), letters.as_str()))
}

/// How long `more` comparisons take at the average rate so far; none when there is no rate yet.
#[expect(clippy::cast_precision_loss, reason = "an estimate of two digits")]
fn time_for(report: &RouteReport, more: u64) -> Option<time::Duration> {
    let span = (report.last_at - report.since).as_seconds_f64();
    let rate = report.compared() as f64 / span;
    let seconds = more as f64 / rate;
    // Beyond a hundred years there is no telling, and no `Duration` at some point.
    (span > 1.0 && seconds < 3e9).then(|| time::Duration::seconds_f64(seconds.max(1.0)))
}
