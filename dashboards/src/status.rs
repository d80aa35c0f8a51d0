//! One route with all that is known of it: the live table's half and the report's half.

use serde::Serialize;
use shadow::{DifferenceReport, RouteReport, RuleReport, State, StratumReport, Unknown};

use crate::{
    bar::Bar,
    candidate::Candidate,
    format::{self, count},
    judgement::Judgement,
    live::LiveRoute,
};

/// A route. At least one half is known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RouteStatus {
    pub(crate) id: String,
    /// None for a route that has left the table; its report stays.
    pub(crate) live: Option<LiveRoute>,
    /// None before the first comparison.
    pub(crate) report: Option<RouteReport>,
}

impl RouteStatus {
    /// `monolith`, `shadow`, `extracted`, or `removed` when it is no longer in the table.
    pub(crate) fn stage(&self) -> &'static str {
        self.live.as_ref().map_or("removed", |it| it.stage)
    }

    /// `GET, HEAD /api/products/{id}`; empty for a route that has left the table.
    pub(crate) fn matches(&self) -> String {
        match &self.live {
            Some(live) if live.methods.is_empty() => format!("ANY {}", live.path),
            Some(live) => format!("{} {}", live.methods.join(", "), live.path),
            None => String::new(),
        }
    }

    /// Whether each request is judged as it comes.
    pub(crate) fn is_compared(&self) -> bool {
        self.stage() == "shadow"
    }

    /// Whose answers are compared with the monolith's.
    pub(crate) fn candidate(&self) -> Candidate {
        Candidate::of(self.live.as_ref())
    }

    /// Whether the next step is to let the candidate answer.
    pub(crate) fn is_next(&self) -> bool {
        self.is_compared()
            && self.report.as_ref().is_some_and(|it| it.verdict.state == State::Ready)
    }

    /// The verdict; none when nothing was ever to be judged.
    pub(crate) fn judgement(&self) -> Option<Judgement> {
        match &self.report {
            Some(report) => Some(Judgement::of(report)),
            None if self.is_compared() => Some(Judgement::waiting()),
            None => None,
        }
    }
}

/// What pages say of a report.
pub(crate) trait Told {
    /// Requests that could not be compared.
    fn unknown(&self) -> u64;
    /// Those of them that are in none of the kinds of requests.
    fn unplaced(&self) -> u64;
    /// The share that the extraction declined; empty when that is nothing.
    fn declined(&self) -> String;
    /// Whether there are samples of races to look at.
    fn has_raced(&self) -> bool;
    /// How the outcomes are divided.
    fn bar(&self) -> Bar;
    /// The share of the compared requests that agree, differences that a rule excuses set aside.
    fn agreement(&self) -> String;
    /// The outcomes that are no mismatch, each in words; those that never happened are left out.
    fn calm_outcomes(&self) -> Vec<String>;
    /// The budget as a person states it.
    fn budget_in_words(&self) -> String;
    /// How sure and how long.
    fn proof_in_words(&self) -> String;
}

impl Told for RouteReport {
    fn unknown(&self) -> u64 {
        self.unknowns.values().sum()
    }

    fn unplaced(&self) -> u64 {
        self.unplaced.values().sum()
    }

    fn declined(&self) -> String {
        let asked = self.compared() + self.unknown();
        match self.unknowns.get(&Unknown::Declined) {
            None | Some(0) => String::new(),
            Some(declined) => format::share(*declined, asked),
        }
    }

    fn has_raced(&self) -> bool {
        self.unknowns.get(&Unknown::Raced).is_some_and(|it| *it > 0)
    }

    fn bar(&self) -> Bar {
        Bar::new([
            ("matched", self.matched),
            ("ignored", self.ignored),
            ("noise", self.noise),
            ("mismatched", self.mismatched),
            ("unknown", self.unknown()),
        ])
    }

    fn agreement(&self) -> String {
        match self.compared() {
            0 => "–".into(),
            compared => format::share(compared - self.mismatched, compared),
        }
    }

    fn calm_outcomes(&self) -> Vec<String> {
        let outcomes = [
            ("matched", self.matched),
            ("ignored", self.ignored),
            ("noise", self.noise),
            ("unknown", self.unknown()),
        ];
        let seen = outcomes.into_iter().filter(|it| it.1 > 0);
        seen.map(|(name, it)| format!("{} {name}", count(it))).collect()
    }

    fn budget_in_words(&self) -> String {
        format!(
            "at most {} of the requests with a critical difference, {} with a cosmetic one",
            format::percent(self.budget.critical.get()),
            format::percent(self.budget.cosmetic.get())
        )
    }

    fn proof_in_words(&self) -> String {
        let confidence = format::percent(self.proof.confidence.get());
        let time = time::Duration::try_from(self.proof.time).unwrap_or(time::Duration::MAX);
        format!("with {confidence} confidence, after {} at least", format::span(time))
    }
}

/// What pages say of a kind of requests.
pub(crate) trait Judged {
    /// What its own test says.
    fn in_words(&self) -> String;
    /// Requests that could not be compared.
    fn unknown(&self) -> u64;
}

impl Judged for StratumReport {
    fn in_words(&self) -> String {
        match self.state {
            State::Ready => "ready".into(),
            State::NotReady => "not ready".into(),
            State::Undecided => format!("{} more", count(self.more_requests)),
        }
    }

    fn unknown(&self) -> u64 {
        self.unknowns.values().sum()
    }
}

/// What pages say of a difference.
pub(crate) trait Counted {
    /// Requests that had it, unexcused.
    fn counted(&self) -> u64;
}

impl Counted for DifferenceReport {
    fn counted(&self) -> u64 {
        self.requests.saturating_sub(self.excused)
    }
}

/// What pages say of a rule.
pub(crate) trait InWords {
    /// `clock, until 2027-03-31`.
    fn in_words(&self) -> String;
}

impl InWords for RuleReport {
    fn in_words(&self) -> String {
        match self.until {
            Some(until) if self.expired => format!("{}, expired on {until}", self.why),
            Some(until) => format!("{}, until {until}", self.why),
            None => self.why.clone(),
        }
    }
}

impl LiveRoute {
    /// Requests, whoever answered.
    pub(crate) fn requests(&self) -> u64 {
        self.by_monolith + self.by_extraction
    }

    /// Whether its extraction fails too often to be asked.
    pub(crate) fn is_spared(&self) -> bool {
        self.breaker.is_some_and(|it| it != "closed")
    }

    /// Whether a bar has anything to show.
    pub(crate) fn is_answered_by_both(&self) -> bool {
        self.by_monolith > 0 && self.by_extraction > 0
    }

    /// How the answers are divided between the two sides.
    pub(crate) fn sides(&self) -> Bar {
        Bar::new([("Rust", self.by_extraction), ("monolith", self.by_monolith)])
    }

    /// Who answers, in words.
    pub(crate) fn who(&self) -> String {
        match (self.by_extraction, self.by_monolith) {
            (0, 0) if self.stage == "extracted" => "Rust".into(),
            (0, _) if self.stage == "upstream" => "upstream".into(),
            (0, _) => "monolith".into(),
            (_, 0) => "Rust".into(),
            (rust, _) => format!("Rust {}", format::share(rust, self.requests())),
        }
    }
}
