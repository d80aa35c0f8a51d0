//! Reports and tables for the tests of the pages.

use std::collections::BTreeMap;

use askama::Template;
use scraper::{Html, Selector};
use shadow::{
    Budget, Class, DifferenceKind, DifferenceReport, EarlierReport, Latency, Proof, RouteReport,
    RuleReport, Sample, Side, State, StratumReport, Tally, Unknown, Verdict,
};
use time::{
    OffsetDateTime,
    macros::{date, datetime},
};

use crate::live::{LiveRoute, LiveTable};

/// What a value from a buyer may be at worst.
pub(crate) const SCRIPT: &str = "<script>alert('x')</script>";

/// The moment at which all pages of the tests are rendered.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-24 12:00:00 UTC);

/// A page as a reader meets it.
pub(crate) struct Rendered {
    html: String,
    tree: Html,
}

impl Rendered {
    pub(crate) fn new(page: &impl Template) -> Self {
        let html = page.render().unwrap();
        Self { tree: Html::parse_document(&html), html }
    }

    /// The text of the first element that `selector` finds, its white space collapsed.
    pub(crate) fn text(&self, selector: &str) -> String {
        self.texts(selector).into_iter().next().unwrap_or_default()
    }

    /// The text of every element that `selector` finds.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let text = |it: scraper::ElementRef<'_>| {
            let text: String = it.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        self.tree.select(&selector).map(text).collect()
    }

    /// An attribute of the first element that `selector` finds.
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> Option<&str> {
        self.tree.select(&Selector::parse(selector).unwrap()).next()?.attr(name)
    }

    /// Whether nothing in it would run but our own script, whatever values it shows.
    pub(crate) fn is_inert(&self) -> bool {
        self.texts("script").len() == 1
            && self.attribute("script", "src") == Some("/static/refresh.js")
            && !self.html.contains("style=")
    }
}

pub(crate) fn table(routes: Vec<LiveRoute>) -> LiveTable {
    LiveTable {
        generation: 7,
        hash: "3f9ac21e".into(),
        loaded_at: datetime!(2026-11-24 11:17:00 UTC),
        last_rejected: None,
        routes,
    }
}

pub(crate) fn live(id: &str, stage: &'static str) -> LiveRoute {
    LiveRoute {
        id: id.into(),
        methods: vec!["GET".into()],
        path: "/api/products/{id}".into(),
        stage,
        extraction: Some(id.into()),
        candidate: None,
        by_monolith: 750,
        by_extraction: 250,
        fallbacks: 0,
        failed: 0,
        breaker: None,
    }
}

pub(crate) fn ready() -> Verdict {
    Verdict { state: State::Ready, more_requests: 0, more_seconds: Some(0), why: String::new() }
}

pub(crate) fn not_ready(why: &str) -> Verdict {
    let (more_requests, more_seconds) = (3_000, Some(1_800));
    Verdict { state: State::NotReady, more_requests, more_seconds, why: why.into() }
}

pub(crate) fn undecided(more_requests: u64, why: &str) -> Verdict {
    let more_seconds = Some(1_800);
    Verdict { state: State::Undecided, more_requests, more_seconds, why: why.into() }
}

pub(crate) fn report(route: &str, verdict: Verdict) -> RouteReport {
    RouteReport {
        route: route.into(),
        matched: 800,
        matched_by_digest: 3,
        ignored: 150,
        noise: 0,
        mismatched: 50,
        critical: 40,
        cosmetic: 12,
        unknowns: BTreeMap::from([(Unknown::TimedOut, 9), (Unknown::Panicked, 0)]),
        unplaced: BTreeMap::from([(Unknown::TimedOut, 2)]),
        declined_share: 0.0,
        control: Latency { p50: Some(0.012), p99: Some(0.048) },
        candidate: Latency { p50: Some(0.0009), p99: Some(0.0038) },
        distinct_one_in: 1,
        strata: vec![
            stratum("2xx signed-out application/json", 970, 42, State::Ready),
            stratum("4xx signed-in application/json", 30, 8, State::Undecided),
        ],
        build: "0.1.0-3f9ac21e".into(),
        rules: "77aa".into(),
        monolith: Some("41".into()),
        reason: None,
        earlier: Vec::new(),
        since: datetime!(2026-11-24 11:50:00 UTC),
        last_at: datetime!(2026-11-24 12:00:00 UTC),
        budget: Budget::default(),
        proof: Proof::default(),
        verdict,
    }
}

fn stratum(name: &str, compared: u64, critical: u64, state: State) -> StratumReport {
    let requests = Tally { compared, critical, cosmetic: 0 };
    let distinct = Tally { compared: compared / 2, critical: critical / 2, cosmetic: 0 };
    let more_requests = if state == State::Ready { 0 } else { 1_234 };
    let Ok(stratum) = name.parse();
    let unknowns = BTreeMap::from([(Unknown::TimedOut, 7)]);
    let unknowns = if state == State::Ready { BTreeMap::new() } else { unknowns };
    StratumReport {
        stratum,
        requests,
        distinct,
        matched_by_digest: 0,
        unknowns,
        declined_share: 0.0,
        state,
        more_requests,
    }
}

/// What was counted before the monolith changed.
pub(crate) fn earlier() -> EarlierReport {
    EarlierReport {
        build: "0.1.0-3f9ac21e".into(),
        rules: "77aa".into(),
        monolith: Some("40".into()),
        reason: None,
        matched: 90,
        ignored: 0,
        noise: 0,
        mismatched: 10,
        critical: 10,
        cosmetic: 0,
        unknown: 3,
        since: datetime!(2026-11-23 11:50:00 UTC),
        last_at: datetime!(2026-11-24 11:50:00 UTC),
    }
}

/// A difference that `counted` requests had unexcused, and `excused` others.
pub(crate) fn difference(path: &str, counted: u64, excused: u64) -> DifferenceReport {
    let rule =
        RuleReport { why: "clock".into(), until: Some(date!(2027 - 03 - 31)), expired: false };
    DifferenceReport {
        id: "a/4".into(),
        route: "catalog.show".into(),
        rule: (excused > 0).then_some(rule),
        suggestion: None,
        path: path.into(),
        kind: DifferenceKind::Changed,
        class: Class::Critical,
        requests: counted + excused,
        excused,
        noise: 0,
        first_seen: datetime!(2026-11-24 07:00:00 UTC),
        last_seen: datetime!(2026-11-24 11:57:00 UTC),
    }
}

pub(crate) fn sample(path: &str, control: Side, candidate: Side) -> Sample {
    Sample {
        id: "1".into(),
        omitted: 0,
        at: datetime!(2026-11-24 11:57:00 UTC),
        stratum: "2xx signed-out application/json".into(),
        request: "GET /api/products/7".into(),
        request_id: "0f6d2c1e".into(),
        path: path.into(),
        control,
        candidate,
    }
}

pub(crate) fn side(value: &str, body: &str) -> Side {
    Side { status: 200, value: Some(value.into()), body: body.into() }
}
