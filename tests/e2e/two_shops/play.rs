//! Plays a scenario on both sides, and compares after each step.

use std::time::{Duration, Instant};

use reqwest::Client;
use tests::banyan::Proxy;

use super::{
    Scenario, answer, jobs,
    pair::{Pair, Shops},
    report::{Part, Report},
    rows::{self, Rows},
    session,
    side::{Outcome, Side},
    step::{By, Op, Step},
    times::Window,
};

/// How long Banyan may take to push the jobs of what it has committed, and to count a request.
const PATIENCE: Duration = Duration::from_secs(20);

/// A scenario while it is played.
struct Play<'a> {
    shops: &'a mut Shops,
    sides: [Side; 2],
    proxy: Proxy,
    /// Who asks for its metrics.
    metrics: Client,
    ids: &'a [String],
    /// Requests that Banyan has seen.
    asked: u64,
    /// Those that an extraction answered.
    by_rust: u64,
}

pub(super) async fn play(scenario: &Scenario, pair: &mut Pair) -> Result<(), Report> {
    let shops = &mut pair.it;
    let proxy = shops.banyan(scenario).await;
    let [left, right] = shops.both.each_ref().map(|it| it.addresses.clone());
    let (direct, ids) = (right.url.clone(), scenario.ids.as_slice());
    let sides = [Side::new(&left, proxy.url()).await, Side::new(&right, direct).await];
    let mut play = Play { shops, sides, proxy, metrics: Client::new(), ids, asked: 0, by_rust: 0 };
    if play.shops.rows[0].is_none() {
        let [left, right] = &play.sides;
        tokio::join!(rows::spread_ids(&left.database), rows::spread_ids(&right.database));
    }
    play.settle().await;
    let mut outcome = Ok(());
    for (number, op) in scenario.ops.iter().enumerate() {
        outcome = play.step(number + 1, op).await;
        if outcome.is_err() {
            break;
        }
    }
    let Play { proxy, sides, .. } = play;
    proxy.stop().await;
    for side in sides {
        side.database.close().await;
    }
    outcome
}

impl Play<'_> {
    /// Does one thing on both sides.
    async fn step(&mut self, number: usize, op: &Op) -> Result<(), Report> {
        let [left, right] = &mut self.sides;
        match op {
            Op::Forget => [left, right].into_iter().for_each(|it| it.jar = session::Jar::default()),
            Op::Given(sql) => {
                tokio::join!(left.execute(sql), right.execute(sql));
                self.settle().await;
            }
            Op::Request(step) => {
                let outcomes = tokio::join!(left.play(step), right.play(step));
                let title = format!("step {number}, {}", step.title());
                let status = outcomes.1.answer.status;
                assert!(step.status.is_none_or(|it| it == status), "{title}: Rails gives {status}");
                return self.compare(step, title, outcomes.into()).await;
            }
            Op::SignIn(email) => {
                tokio::join!(left.sign_in(email), right.sign_in(email));
                self.settle().await;
            }
            Op::Take { name, sql } => {
                tokio::join!(left.take(name, sql), right.take(name, sql));
            }
        }
        Ok(())
    }

    /// Takes what there is as the state before the next step.
    async fn settle(&mut self) {
        self.changes().await;
        for side in &mut self.sides {
            jobs::take(&mut side.redis).await;
            side.listener.take(&mut side.redis).await;
        }
        rows::level_ids(self.sides.each_ref().map(|it| &it.database)).await;
    }

    /// What became of the rows of both sides since the last look.
    async fn changes(&mut self) -> [Vec<rows::Change>; 2] {
        let [before_left, before_right] = &mut self.shops.rows;
        let left = before_left.get_or_insert_with(Rows::default).changes(&self.sides[0].database);
        let right = before_right.get_or_insert_with(Rows::default).changes(&self.sides[1].database);
        tokio::join!(left, right).into()
    }

    async fn compare(
        &mut self,
        step: &Step,
        title: String,
        outcomes: [Outcome; 2],
    ) -> Result<(), Report> {
        let mut report = Report::new(title);
        let since = self.shops.since;
        let window = |it: &Outcome| Window { since, from: it.from, to: it.to };
        let windows = outcomes.each_ref().map(window);
        self.compare_answerer(step, &mut report).await;
        self.await_jobs().await;
        // Rows first: they tell which random values stand for each other.
        let changes = self.changes().await;
        rows::pair(&changes[0], &changes[1], &mut self.shops.twins);
        let jars = self.sides.each_ref().map(|it| &it.jar);
        let [left, right] = session::compared(jars, &mut self.shops.twins);
        report.compare(Part::Session, &left, &right);
        self.compare_rows(&changes, &windows, &mut report);
        self.compare_answers(&outcomes, &windows, &mut report);
        self.compare_jobs(&windows, &mut report).await;
        self.compare_broadcasts(&mut report).await;
        rows::level_ids(self.sides.each_ref().map(|it| &it.database)).await;
        report.into_result()
    }

    fn compare_answers(&self, outcomes: &[Outcome; 2], windows: &[Window; 2], report: &mut Report) {
        let masked = |at: usize| {
            let token = self.sides[at].jar.csrf_token();
            outcomes[at].answer.masked(token.as_ref(), &windows[at])
        };
        let [left, right] = [masked(0), masked(1)];
        let cookies = answer::cookies(outcomes.each_ref().map(|it| &it.answer));
        let twins = &self.shops.twins;
        report.compare(Part::Status, &left.status, &right.status);
        let headers = twins.translated(&left.headers) + &cookies[0];
        report.compare(Part::Headers, &headers, &(right.headers + &cookies[1]));
        report.compare(Part::Body, &twins.translated(&left.body), &right.body);
    }

    fn compare_rows(
        &self,
        changes: &[Vec<rows::Change>; 2],
        windows: &[Window; 2],
        report: &mut Report,
    ) {
        for (part, is_event) in [(Part::Rows, false), (Part::Events, true)] {
            let text = |at: usize| {
                let changes = changes[at].iter().filter(|it| it.is_event() == is_event);
                rows::shown(changes, &windows[at])
            };
            report.compare(part, &self.shops.twins.translated(&text(0)), &text(1));
        }
    }

    async fn compare_jobs(&mut self, windows: &[Window; 2], report: &mut Report) {
        let mut texts = [String::new(), String::new()];
        for (at, side) in self.sides.iter_mut().enumerate() {
            let jobs = jobs::take(&mut side.redis).await;
            texts[at] = jobs::shown(&jobs, &windows[at]) + &jobs::queues(&mut side.redis).await;
        }
        report.compare(Part::Jobs, &self.shops.twins.translated(&texts[0]), &texts[1]);
    }

    async fn compare_broadcasts(&mut self, report: &mut Report) {
        let mut texts = [String::new(), String::new()];
        for (at, side) in self.sides.iter_mut().enumerate() {
            texts[at] = side.listener.take(&mut side.redis).await;
        }
        report.compare(Part::Broadcasts, &self.shops.twins.translated(&texts[0]), &texts[1]);
    }

    /// Banyan pushes jobs after the commit, and may have answered before.
    async fn await_jobs(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.waiting().await && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether what Rust has committed has jobs that are not pushed yet.
    async fn waiting(&self) -> bool {
        if self.ids.is_empty() {
            return false;
        }
        let waiting = "SELECT 1 FROM banyan_commits WHERE state = 1 LIMIT 1";
        // The table is made with the first commit.
        let found = sqlx::query(waiting).fetch_optional(&self.sides[0].database).await;
        found.is_ok_and(|it| it.is_some())
    }

    async fn compare_answerer(&mut self, step: &Step, report: &mut Report) {
        self.asked += 1;
        let until = Instant::now() + PATIENCE;
        // A request is counted when its answer has been sent.
        let (all, by_rust) = loop {
            let (all, by_rust) = self.counted().await;
            if all >= self.asked || Instant::now() > until {
                break (all, by_rust);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        let answerer = if by_rust > self.by_rust { By::Rust } else { By::Rails };
        (self.asked, self.by_rust) = (all, by_rust);
        report.compare(Part::AnsweredBy, &format!("{answerer:?}"), &format!("{:?}", step.by));
    }

    /// All requests, and those that an extraction answered.
    async fn counted(&self) -> (u64, u64) {
        let url = format!("{}/metrics", self.proxy.admin());
        let text = self.metrics.get(url).send().await.unwrap().text().await.unwrap();
        let (mut all, mut by_rust) = (0, 0);
        for line in text.lines().filter(|it| it.starts_with("banyan_requests_total{")) {
            let (labels, count) = line.rsplit_once(' ').unwrap();
            let count: u64 = count.parse().unwrap();
            all += count;
            if labels.contains("side=\"extraction\"") {
                by_rust += count;
            }
        }
        (all, by_rust)
    }
}
