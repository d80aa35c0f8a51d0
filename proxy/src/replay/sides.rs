//! The two sides of a replayed request: the monolith, and a handler whose transaction is rolled back.

use std::{collections::HashMap, error::Error, sync::Arc, time::Instant};

use extracted::Extraction;
use shadow::{
    Observation, Unknown,
    compare::{Answers, Comparison, Finding, Fragment, Judgement, Pair},
    printable_path,
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
        let outcome = self.outcome(&snapshot, &exchange, control, candidate).await;
        Compared { outcome, strayed }
    }

    /// What the two answers come to.
    async fn outcome(
        &self,
        snapshot: &Snapshot,
        exchange: &Exchange,
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
        let found = match self.differences(snapshot, control.clone(), candidate) {
            Ok(found) if found.listed.is_empty() => return Outcome::Same,
            Ok(found) => found,
            Err(why) => return Outcome::Unknown(why.into()),
        };
        if !exchange.method.is_safe() || snapshot.route.noise == Percent::NONE {
            return Outcome::Different(found);
        }
        let again = self.ask_monolith(snapshot).await;
        let itself = again.ok().and_then(|it| self.differences(snapshot, control, it).ok());
        without_noise(found, &itself.unwrap_or_default().listed)
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

    /// Where two answers differ, and no rule of the route excuses it.
    fn differences(
        &self,
        snapshot: &Snapshot,
        mut control: Observation,
        mut candidate: Observation,
    ) -> Result<Differences, Unknown> {
        let reading = snapshot.reading(&self.visitors);
        reading.read(&mut control.headers);
        reading.read(&mut candidate.headers);
        let pair = Pair::new(control, candidate)?;
        let answers = Answers::read(&pair)?;
        let now = OffsetDateTime::now_utc();
        let comparison = answers.compare(&snapshot.route.subject.rules, now);
        Ok(counting(&comparison, self.values))
    }
}

/// What no rule excuses of a comparison.
fn counting(comparison: &Comparison<'_>, values: bool) -> Differences {
    let counts = |it: &&Finding<'_>| !matches!(it.judgement, Judgement::Excused(_));
    let findings = comparison.findings.iter().filter(counts);
    let listed: Vec<_> = findings.map(|it| found(it, values)).collect();
    // What is excused and not listed is no difference.
    let omitted = (comparison.critical + comparison.cosmetic).saturating_sub(listed.len());
    Differences { listed, omitted }
}

/// Without values, names on the path that may be data are hidden as well.
fn found(finding: &Finding<'_>, values: bool) -> Found {
    let difference = &finding.difference;
    let value = |side: Option<&Fragment<'_>>| side.filter(|_| values).map(shown);
    let path = &difference.path;
    Found {
        path: if values { path.to_string() } else { printable_path(path) },
        place: path.grouped().to_string(),
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

/// What is left of the differences when those are taken out that the monolith shows against itself:
/// of the same place, kind and class. The judge asks for more, since it has more to learn from. As there,
/// differences that are not listed are no noise, since nobody knows where they are.
fn without_noise(found: Differences, itself: &[Found]) -> Outcome {
    let is_left = |it: &&Found| !itself.iter().any(|noise| it.is_like(noise));
    let left: Vec<_> = found.listed.iter().filter(is_left).cloned().collect();
    match (left.is_empty(), found.omitted) {
        (true, 0) => Outcome::Noise,
        (true, _) => Outcome::Different(found),
        (false, omitted) => Outcome::Different(Differences { listed: left, omitted }),
    }
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
    use shadow::compare::Rules;

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

    fn differences(control: String, candidate: String, values: bool) -> Differences {
        let pair = Pair::new(answer(control), answer(candidate)).unwrap();
        let answers = Answers::read(&pair).unwrap();
        counting(&answers.compare(&Rules::default(), OffsetDateTime::UNIX_EPOCH), values)
    }

    #[test]
    fn what_the_monolith_shows_against_itself_is_noise_and_nothing_else_is() {
        let found = |place: &str, kind: &str| Found {
            path: place.replace('*', "7"),
            place: place.to_owned(),
            kind: kind.to_owned(),
            class: "critical".to_owned(),
            control: None,
            candidate: None,
        };
        let all = |listed: &[&Found]| Differences {
            listed: listed.iter().copied().cloned().collect(),
            omitted: 0,
        };
        let views = found("$.list[*].views", "changed");
        let noise = [found("$.list[*].views", "changed")];
        assert_eq!(without_noise(all(&[&views]), &noise), Outcome::Noise);
        let retyped = found("$.list[*].views", "retyped");
        let price = found("$.list[*].price", "changed");
        let left = without_noise(all(&[&views, &retyped, &price]), &noise);
        assert_eq!(left, Outcome::Different(all(&[&retyped, &price])));
        assert_eq!(without_noise(all(&[&views]), &[]), Outcome::Different(all(&[&views])));
    }

    #[test]
    fn a_difference_behind_the_noise_that_is_listed_is_no_noise() {
        let list = |views: usize, price: usize| {
            let counted = (0..150).map(|_| format!("{{\"views\":{views}}}"));
            let counted: Vec<_> = counted.collect();
            format!("{{\"list\":[{}],\"price\":{price}}}", counted.join(","))
        };
        let itself = differences(list(1, 5), list(3, 5), false);
        let found = differences(list(1, 5), list(2, 6), false);
        assert_eq!((found.listed.len(), found.omitted), (100, 51));
        let outcome = without_noise(found.clone(), &itself.listed);
        assert_eq!(outcome, Outcome::Different(found));
    }

    #[test]
    fn a_name_that_may_be_data_is_shown_only_with_values() {
        let body = |total: usize| format!("{{\"by_buyer\":{{\"jane@shop.test\":{total}}}}}");
        for (values, path) in
            [(false, "$.by_buyer[\"‹name›\"]"), (true, "$.by_buyer[\"jane@shop.test\"]")]
        {
            let found = differences(body(1), body(2), values);
            assert_eq!(found.listed[0].path, path);
        }
    }
}
