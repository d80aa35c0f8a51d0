//! The two sides of a replayed request: the monolith, and a handler whose transaction is rolled back.

use std::{collections::HashMap, error::Error, sync::Arc, time::Instant};

use extracted::Extraction;
use shadow::{
    Observation, Unknown,
    compare::{Answers, Comparison, Finding, Fragment, Judgement, Pair, Rules},
    noise_of_one, printable_path,
};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{
    AT_ONCE, ReplayError,
    sessions::Sessions,
    tally::{Compared, Differences, Found, Miss, Outcome, Skip},
};
use crate::{
    config::Replay,
    error::Chain,
    extraction::{Call, Callers, Ending, Extractions, NoReply, Surroundings},
    metrics::ProxyMetrics,
    mirror::{Asker, CONTROL_DEADLINE, observe, unknown},
    monolith::Monolith,
    recording::Exchange,
    route::{Candidate, Percent, Plan, RouteTable},
    snapshot::Snapshot,
    upstream::Upstream,
    visitor::Visitors,
};

/// Characters of a value that are shown.
const VALUE: usize = 200;

/// Who is asked.
pub(super) struct Sides {
    table: Arc<RouteTable>,
    extractions: HashMap<&'static str, Extraction>,
    pinned: Option<Arc<Upstream>>,
    controls: Monolith,
    candidates: Extractions,
    visitors: Visitors,
    /// What cookies and tokens have become in this run.
    pub(super) sessions: Sessions,
    writes: bool,
    values: bool,
}

impl Sides {
    pub(super) fn new(
        arguments: &Replay,
        extractions: &'static [Extraction],
        table: Arc<RouteTable>,
        metrics: &ProxyMetrics,
    ) -> Result<Self, ReplayError> {
        let database = arguments.database.as_ref().ok_or(ReplayError::NoDatabase)?;
        let connections = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        let database = extracted::rails::database::pool(database.expose(), connections);
        let application = arguments.rails.application()?;
        let surroundings = Surroundings {
            database: Some(database.map_err(ReplayError::Database)?),
            jobs: None,
            application: Arc::new(application.clone()),
        };
        // Permits for those that have answered and are still being rolled back, as in shadow.
        let candidates =
            Extractions::start(Callers::Judge, 2, 2 * AT_ONCE, surroundings, metrics.extractions());
        let pinned = arguments.monolith.as_ref();
        let pinned = pinned.map(|it| Upstream::pinned(it, metrics.upstreams())).transpose();
        Ok(Self {
            table,
            extractions: extractions.iter().map(|it| (it.id, *it)).collect(),
            pinned: pinned.map_err(ReplayError::Trust)?,
            controls: Monolith::default(),
            candidates: candidates.map_err(ReplayError::Threads)?,
            visitors: Visitors::new(application.clone()),
            sessions: Sessions::new(application),
            writes: arguments.writes,
            values: arguments.values,
        })
    }

    /// Asks both, and compares what they say. A read is asked of the monolith first, as in shadow;
    /// a write of the handler, since what it does is undone: both begin from the same state.
    pub(super) async fn compare(&self, mut exchange: Exchange) -> Compared {
        let route = self.table.find(&exchange.method, exchange.target.path());
        let Some(extraction) = self.extractions.get(&*route.id).copied() else {
            let skip = match &route.plan {
                Plan::Shadow { candidate: Candidate::Upstream(_), .. } => Skip::Service,
                _ => Skip::NoHandler,
            };
            return Outcome::Skipped(skip).into();
        };
        let is_safe = exchange.method.is_safe();
        if !is_safe && !self.writes {
            return Outcome::Skipped(Skip::Write).into();
        }
        let _turn = self.sessions.turn(&exchange).await;
        self.sessions.translate(&mut exchange).await;
        let snapshot = Snapshot::replayed(Arc::clone(route), &exchange);
        let control = self.ask_monolith(&snapshot);
        let candidate = self.ask_handler(&snapshot, extraction);
        let (control, candidate) = if is_safe {
            (control.await, candidate.await)
        } else {
            let candidate = candidate.await;
            (control.await, candidate)
        };
        let mut strayed = false;
        if let Ok(control) = &control {
            self.sessions.learn(&exchange, control);
            strayed = exchange.answer.as_ref().is_some_and(|it| it.status != control.status);
        }
        let outcome = self.outcome(&snapshot, is_safe, control, candidate).await;
        Compared { outcome, strayed }
    }

    /// What the two answers come to.
    async fn outcome(
        &self,
        snapshot: &Snapshot,
        is_safe: bool,
        control: Result<Observation, Miss>,
        candidate: Result<Observation, Miss>,
    ) -> Outcome {
        let (control, candidate) = match (control, candidate) {
            (Ok(control), Ok(candidate)) => (control, candidate),
            (_, Err(Miss { kind: Unknown::Declined, .. })) => {
                return Outcome::Skipped(Skip::Declined);
            }
            (Err(why), _) | (_, Err(why)) => return Outcome::Unknown(why),
        };
        let reading = snapshot.reading(&self.visitors);
        let read = |mut it: Observation| {
            reading.read(&mut it.headers);
            it
        };
        let [control, candidate] = [control, candidate].map(read);
        let rules = &snapshot.route.subject.rules;
        let judged = |again| judged([&control, &candidate], again, rules, self.values);
        let outcome = judged(None);
        let is_different = matches!(outcome, Outcome::Different(_));
        if !is_different || !is_safe || snapshot.route.noise == Percent::NONE {
            return outcome;
        }
        let again = self.ask_monolith(snapshot).await;
        judged(again.ok().map(read))
    }

    async fn ask_monolith(&self, snapshot: &Snapshot) -> Result<Observation, Miss> {
        let own = self.pinned.as_ref().filter(|_| snapshot.route.upstream.is_none());
        let upstream = own.cloned().or_else(|| self.table.control(&snapshot.route));
        let upstream = upstream.ok_or(Unknown::ControlFailed)?;
        let (connections, timeouts) = (self.controls.clone(), snapshot.route.policy.timeouts);
        let asker = Asker { connections, upstream, timeouts, first: true };
        let answer = asker.ask(snapshot.to_monolith());
        let answer = timeout(CONTROL_DEADLINE, answer).await;
        let answer = answer.map_err(|_| Unknown::TimedOut)?;
        answer.map_err(|it| failed(Unknown::ControlFailed, &it))
    }

    async fn ask_handler(
        &self,
        snapshot: &Snapshot,
        extraction: Extraction,
    ) -> Result<Observation, Miss> {
        // How fast a handler is on buyers' machines is not seen here.
        let call = snapshot.to_handler(extraction, Ending::Rollback);
        let call = Call { deadline: CONTROL_DEADLINE, ..call.ok_or(Unknown::Declined)? };
        let began = Instant::now();
        match self.candidates.run(call).await {
            Ok(reply) => Ok(observe(&reply, began.elapsed())),
            Err(NoReply::Failed(failure)) => Err(failed(unknown(&failure), &failure)),
            // It is rolled back, never committed.
            Err(NoReply::CommitUnknown(_)) => Err(Unknown::Failed.into()),
        }
    }
}

/// What two answers come to under a route's rules. Where the monolith was asked `again`, what it shows
/// against itself is taken out.
fn judged(
    sides: [&Observation; 2],
    again: Option<Observation>,
    rules: &Rules,
    values: bool,
) -> Outcome {
    let (control, now) = (sides[0], OffsetDateTime::now_utc());
    let [one, other] = sides.map(Clone::clone);
    // One that failed is no answer to the same question, and says nothing of the first.
    let again = again.filter(|it| it.status == control.status);
    let again = again.and_then(|it| Pair::new(control.clone(), it).ok());
    let again = again.as_ref().and_then(|it| Answers::read(it).ok());
    let itself = again.as_ref().map(|it| it.compare(rules, now)).unwrap_or_default();
    let compared = Pair::new(one, other).and_then(|pair| {
        let answers = Answers::read(&pair)?;
        Ok(counting(&answers.compare(rules, now), &itself, values))
    });
    compared.unwrap_or_else(|why| Outcome::Unknown(why.into()))
}

/// What counts of a comparison, since neither a rule excuses it nor the monolith shows it against
/// itself. As for the judge, differences that are not listed are no noise, since nobody knows where they
/// are.
fn counting(comparison: &Comparison<'_>, itself: &Comparison<'_>, values: bool) -> Outcome {
    let findings = comparison.findings.iter().enumerate();
    let counts: Vec<_> =
        findings.filter(|it| !matches!(it.1.judgement, Judgement::Excused(_))).collect();
    // What is excused and not listed is no difference.
    let omitted = (comparison.critical + comparison.cosmetic).saturating_sub(counts.len());
    let noise = noise_of_one(comparison, itself);
    let left: Vec<_> = counts.iter().filter(|it| !noise.contains(&it.0)).collect();
    let different = |listed: Vec<_>| Outcome::Different(Differences { listed, omitted });
    let found = |it: &Finding<'_>| found(it, values);
    match (counts.is_empty(), left.is_empty(), omitted) {
        (true, ..) => Outcome::Same,
        (_, true, 0) => Outcome::Noise,
        (_, true, _) => different(counts.iter().map(|it| found(it.1)).collect()),
        (_, false, _) => different(left.iter().map(|it| found(it.1)).collect()),
    }
}

/// Without values, names on the path that may be data are hidden as well.
fn found(finding: &Finding<'_>, values: bool) -> Found {
    let difference = &finding.difference;
    let value = |side: Option<&Fragment<'_>>| side.filter(|_| values).map(shown);
    let path = &difference.path;
    Found {
        path: if values { path.to_string() } else { printable_path(path) },
        kind: difference.kind.to_string(),
        class: difference.class.to_string(),
        control: value(difference.control.as_ref()),
        candidate: value(difference.candidate.as_ref()),
    }
}

/// What kept a side from answering.
fn failed(kind: Unknown, error: &(dyn Error + 'static)) -> Miss {
    Miss { kind, why: Some(Chain(error).to_string()) }
}

/// A value in JSON, cut.
fn shown(fragment: &Fragment<'_>) -> String {
    let text = serde_json::to_string(fragment).unwrap_or_default();
    let mut cut: String = text.chars().take(VALUE).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    fn answer(body: String) -> Observation {
        let json = HeaderValue::from_static("application/json");
        Observation {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
            body: bytes::Bytes::from(body).into(),
            trailers: HeaderMap::new(),
            took: Duration::ZERO,
        }
    }

    /// What comes of the monolith's answer, the handler's, and the monolith's second one.
    fn outcome(answers: [&Observation; 3], values: bool) -> Outcome {
        let [control, candidate, again] = answers;
        judged([control, candidate], Some(again.clone()), &Rules::default(), values)
    }

    fn paths(outcome: &Outcome) -> (Vec<&str>, usize) {
        match outcome {
            Outcome::Different(it) => {
                (it.listed.iter().map(|it| it.path.as_str()).collect(), it.omitted)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_monolith_shows_against_itself_is_noise_and_nothing_else_is() {
        let product = |views: &str, price: usize| {
            answer(format!("[{{\"views\":{views},\"price\":{price}}}]"))
        };
        let [control, again] = [product("1", 5), product("3", 5)];
        assert_eq!(outcome([&control, &control, &again], false), Outcome::Same);
        assert_eq!(outcome([&control, &product("2", 5), &again], false), Outcome::Noise);
        for (candidate, left) in [
            (product("2", 6), "$[0].price"),
            (product("\"2\"", 5), "$[0].views"),
            (product("null", 5), "$[0].views"),
        ] {
            let outcome = outcome([&control, &candidate, &again], false);
            assert_eq!(paths(&outcome), (vec![left], 0));
        }
        let candidate = product("2", 5);
        let outcome = outcome([&control, &candidate, &control], false);
        assert_eq!(paths(&outcome), (vec!["$[0].views"], 0), "it does not differ from itself");
    }

    #[test]
    fn a_text_is_not_noise_where_the_monolith_always_has_an_id() {
        let id =
            |end: &str| answer(format!("{{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5{end}\"}}"));
        let none = answer("{\"id\":\"none\"}".to_owned());
        assert_eq!(outcome([&id("a"), &id("b"), &id("c")], false), Outcome::Noise);
        let outcome = outcome([&id("a"), &none, &id("c")], false);
        assert_eq!(paths(&outcome), (vec!["$.id"], 0));
    }

    #[test]
    fn a_second_answer_that_failed_makes_no_noise_of_a_handler_that_did() {
        let failed = |status: StatusCode| {
            let html = HeaderValue::from_static("text/html");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, html)]);
            Observation { status, headers, ..answer("<h1>Sorry</h1>".to_owned()) }
        };
        let control = answer("{\"price\":5}".to_owned());
        let candidate = failed(StatusCode::INTERNAL_SERVER_ERROR);
        for again in [503, 429, 500].map(|it| failed(StatusCode::from_u16(it).unwrap())) {
            let outcome = outcome([&control, &candidate, &again], false);
            assert_eq!(paths(&outcome).0[0], "status");
        }
    }

    #[test]
    fn a_difference_behind_the_noise_that_is_listed_is_no_noise() {
        let list = |views: usize, price: usize| {
            let counted = (0..150).map(|_| format!("{{\"views\":{views}}}"));
            let counted: Vec<_> = counted.collect();
            answer(format!("{{\"list\":[{}],\"price\":{price}}}", counted.join(",")))
        };
        let outcome = outcome([&list(1, 5), &list(2, 6), &list(3, 5)], false);
        let (listed, omitted) = paths(&outcome);
        assert_eq!((listed.len(), omitted), (100, 51));
    }

    #[test]
    fn a_name_that_may_be_data_is_shown_only_with_values() {
        let body =
            |total: usize| answer(format!("{{\"by_buyer\":{{\"jane@shop.test\":{total}}}}}"));
        for (values, path) in
            [(false, "$.by_buyer[\"‹name›\"]"), (true, "$.by_buyer[\"jane@shop.test\"]")]
        {
            let outcome = outcome([&body(1), &body(2), &body(1)], values);
            assert_eq!(paths(&outcome).0, [path]);
        }
    }
}
