//! A verdict in words.

use shadow::{RouteReport, State, Verdict};

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
        let Verdict { state, more_requests, more_seconds, why } = &report.verdict;
        match state {
            State::Ready => Self {
                class: "ready",
                word: "ready",
                headline: "Ready to answer buyers",
                why: "Enough requests were compared to say that the budget is kept.".into(),
                note: String::new(),
            },
            State::NotReady => Self {
                class: "not-ready",
                word: "not ready",
                headline: "Not ready",
                why: sentence(why),
                note: why.clone(),
            },
            State::Undecided => {
                let more = format::counted(*more_requests, "more request");
                let time = more_seconds.map(in_words);
                Self {
                    class: "undecided",
                    word: "undecided",
                    headline: "Too early to tell",
                    why: match &time {
                        Some(time) => {
                            format!("Still missing: {why}. At the present rate that takes {time}.")
                        }
                        None => format!("Still missing: {why}."),
                    },
                    note: match time {
                        Some(time) if *more_requests == 0 => format!("{time} more"),
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

fn in_words(seconds: u64) -> String {
    format::span(time::Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX)))
}
