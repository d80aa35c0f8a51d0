//! Who follows the document: edits routes.toml, runs the commands, and asks as a buyer does.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
};

use clap::Parser as _;
use extracted::{Extraction, notifications::api_list::API_LIST};
use proxy::{
    config::{Cli, Command},
    report, route,
};
use reqwest::{Client, header::COOKIE};
use shadow::{Reports, State};
use sqlx::mysql::MySqlPoolOptions;
use tests::{
    banyan::{Proxy, Setup},
    browser::Browser,
    project::{self, Scratch},
    shop::Addresses,
};

use super::{
    document::{Role, blocks},
    output::masked,
};
use crate::support::{differences, eventually, metric, quiet_shop};

const PATH: &str = "/api/notifications";
/// Both buyers' and a visitor's.
const REQUESTS_A_ROUND: f64 = 3.0;

/// Two buyers who are told nothing while others shop.
const EMAILS: [&str; 2] = ["buyer300@shop.test", "buyer301@shop.test"];

/// Gives one of them notifications whose seconds end at any moment, so that two clocks disagree on
/// some of their ages, and the other none.
const NOTIFIED: [&str; 2] = [
    "INSERT INTO notifications (user_id, kind, message, path, created_at, updated_at) \
     SELECT (SELECT id FROM users WHERE email = 'buyer300@shop.test'), kind, message, path, \
     created_at + INTERVAL id * 10000 MICROSECOND, updated_at FROM notifications \
     ORDER BY id LIMIT 100",
    "DELETE FROM notifications WHERE user_id = \
     (SELECT id FROM users WHERE email = 'buyer301@shop.test')",
];

pub(super) struct Guide {
    steps: BTreeMap<String, String>,
    shop: Addresses,
    /// Where routes.toml is written before Banyan is started.
    desk: Scratch,
    proxy: Option<Proxy>,
    client: Client,
    /// The `Cookie` fields of the buyers, who are signed in.
    cookies: Vec<String>,
    asked: AtomicU64,
}

impl Guide {
    pub(super) async fn open(document: &str) -> Self {
        let steps = blocks(document).into_iter().filter_map(|it| match it.role {
            Some(Role::Step(name)) => Some((name, it.text)),
            _ => None,
        });
        let shop = quiet_shop().await;
        let database = MySqlPoolOptions::new().connect_lazy(&shop.database_url).unwrap();
        let mut cookies = Vec::new();
        for (email, sql) in EMAILS.into_iter().zip(NOTIFIED) {
            sqlx::query(sql).execute(&database).await.unwrap();
            let buyer = Browser::new(&shop.url);
            let page = buyer.visit("/login").await.unwrap();
            let fields = [("email", email), ("password", "correct horse")];
            buyer.submit(&page, "/login", &fields).await.unwrap();
            cookies.push(buyer.cookie_header());
        }
        Self {
            steps: steps.collect(),
            shop,
            desk: Scratch::new("walk"),
            proxy: None,
            client: Client::new(),
            cookies,
            asked: AtomicU64::new(0),
        }
    }

    /// The block of a step, which is followed once.
    fn step(&mut self, name: &str) -> String {
        self.steps.remove(name).unwrap_or_else(|| panic!("the document has no step {name}"))
    }

    fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("Banyan has been started")
    }

    fn routes(&self) -> PathBuf {
        self.desk.path().join("routes.toml")
    }

    /// routes.toml, with more patience: these machines are busy.
    fn patient_routes(&self) -> String {
        fs::read_to_string(self.routes()).unwrap() + "\ntimeout = \"20s\"\n"
    }

    /// Begins a new routes.toml with this step's block.
    pub(super) fn write_routes(&mut self, step: &str) {
        fs::write(self.routes(), self.step(step)).unwrap();
    }

    /// Replaces the lines of the keys that this step's block has, or adds them; returns when the file
    /// is in force.
    pub(super) async fn edit_routes(&mut self, step: &str) {
        let block = self.step(step);
        let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
        let mut lines: Vec<_> =
            fs::read_to_string(self.routes()).unwrap().lines().map(str::to_owned).collect();
        for new in block.lines() {
            match lines.iter_mut().find(|it| key(it) == key(new)) {
                Some(old) => new.clone_into(old),
                None => lines.push(new.to_owned()),
            }
        }
        fs::write(self.routes(), lines.join("\n")).unwrap();
        let tables = metric(self.proxy(), "banyan_route_table_generation").await;
        let changed = self.proxy().route_file().with_extension("new");
        fs::write(&changed, self.patient_routes()).unwrap();
        fs::rename(changed, self.proxy().route_file()).unwrap();
        eventually("the new table", || async {
            let now = metric(self.proxy(), "banyan_route_table_generation").await;
            (now > tables).then_some(())
        })
        .await;
    }

    /// Starts Banyan with routes.toml and a new store, in place of the one before.
    pub(super) async fn start(&mut self) {
        self.start_before(self.shop.url.clone()).await;
    }

    /// As [`Guide::start`], where Rails does not even listen.
    pub(super) async fn start_without_rails(&mut self) {
        self.start_before("http://127.0.0.1:1".to_owned()).await;
    }

    async fn start_before(&mut self, monolith: String) {
        self.stop().await;
        let setup = Setup {
            monolith,
            database: Some(self.shop.database_url.clone()),
            flags: self.shop.flags(),
            routes: Some(self.patient_routes()),
            ..Setup::default()
        };
        self.proxy = Some(Proxy::start(setup, extracted::all()).await.unwrap());
    }

    async fn stop(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            proxy.stop().await;
        }
    }

    /// So many rounds of requests, one after the other: both buyers', and a visitor's. Each is
    /// another request, since a repeated one tells the judge nothing new.
    pub(super) async fn ask(&self, rounds: u64) {
        for _ in 0..rounds {
            let query = format!("?round={}", self.asked.fetch_add(1, Ordering::Relaxed));
            for cookie in &self.cookies {
                self.get(&query, cookie, 200).await;
            }
            self.get(&query, "", 401).await;
        }
    }

    /// A request that the document says to be given back to Rails.
    pub(super) async fn ask_what_is_declined(&self) {
        self.get("?a=%ff", &self.cookies[0], 400).await;
    }

    async fn get(&self, query: &str, cookie: &str, status: u16) {
        let url = format!("{}{PATH}{query}", self.proxy().url());
        let answer = self.client.get(url).header(COOKIE, cookie).send().await.unwrap();
        assert_eq!(answer.status(), status);
        answer.bytes().await.unwrap();
    }

    /// So many rounds, each judged before the next: a busy machine's judge would drop some.
    async fn ask_the_judge(&self, rounds: u64) {
        for _ in 0..rounds {
            let before = self.judged().await;
            self.ask(1).await;
            eventually("the judge", || async {
                (self.judged().await >= before + REQUESTS_A_ROUND).then_some(())
            })
            .await;
        }
    }

    /// Requests that the judge has looked at, before they are in the store.
    async fn judged(&self) -> f64 {
        let mut sum = 0.0;
        for outcome in ["ignored", "matched", "mismatched", "unknown"] {
            let labels = format!("{{outcome=\"{outcome}\",route=\"{}\"}}", API_LIST.id);
            sum += metric(self.proxy(), &format!("banyan_shadow_comparisons_total{labels}")).await;
        }
        sum
    }

    /// Asks until the store has differences at `path` in several requests, which speak against the
    /// route.
    pub(super) async fn ask_until_different(&self, path: &str) {
        eventually(&format!("a difference at {path}"), || async {
            self.ask_the_judge(10).await;
            let found = differences(self.proxy(), API_LIST.id).await;
            found.iter().any(|it| it.path == path && it.requests > 2).then_some(())
        })
        .await;
    }

    /// Asks until the verdict in the store is that.
    pub(super) async fn ask_until_ready(&self) {
        let mut why = String::new();
        for _ in 0..150 {
            self.ask_the_judge(10).await;
            let reports = Reports::open_read_only(&self.proxy().store()).await.unwrap();
            let verdict = reports.route(API_LIST.id).await.unwrap().map(|it| it.verdict);
            match verdict {
                Some(it) if it.state == State::Ready => return,
                it => why = it.map(|it| it.why).unwrap_or_default(),
            }
        }
        panic!("it is not ready after 4,500 requests: {why}");
    }

    /// How many answers to the buyer this side has given.
    pub(super) async fn answers_of(&self, side: &str) -> f64 {
        let labels = format!("route=\"{}\",side=\"{side}\",status=\"2xx\"", API_LIST.id);
        metric(self.proxy(), &format!("banyan_requests_total{{{labels}}}")).await
    }

    /// Waits until this side has given more answers to the buyer than `before`.
    pub(super) async fn expect_more_answers_of(&self, side: &str, before: f64) {
        eventually(&format!("answers of the {side}"), || async {
            (self.answers_of(side).await > before).then_some(())
        })
        .await;
    }

    /// The command of this step gives the output that the document shows.
    pub(super) async fn expect_output(&mut self, step: &str) {
        self.expect_output_of(step, extracted::all()).await;
    }

    /// As [`Guide::expect_output`], of a build without the handler.
    pub(super) async fn expect_output_of_an_older_build(&mut self, step: &str) {
        let shadow = fs::read_to_string(self.routes()).unwrap().replace("monolith", "shadow");
        fs::write(self.routes(), shadow).unwrap();
        self.expect_output_of(step, &[]).await;
    }

    async fn expect_output_of(&mut self, step: &str, build: &'static [Extraction]) {
        let command = self.command(step);
        let output = match command.strip_prefix("banyan ") {
            Some(_) => self.banyan(&command, build).await,
            None => self.shell(&command).await,
        };
        self.expect(step, &output);
    }

    /// What was seen is what the document shows at this step.
    pub(super) fn expect(&mut self, step: &str, seen: &str) {
        let block = self.step(step);
        let shown = block.split_once('\n').unwrap_or_default().1;
        assert_eq!(masked(seen), masked(shown), "at step {step} it says instead:\n{seen}");
    }

    /// The command line behind the step's `$`.
    fn command(&self, step: &str) -> String {
        let block = self.steps.get(step).map_or("", String::as_str);
        let line = block.lines().next().and_then(|it| it.strip_prefix("$ "));
        line.unwrap_or_else(|| panic!("step {step} has no command")).to_owned()
    }

    /// What `banyan` prints, by the code that prints it.
    async fn banyan(&self, command: &str, build: &'static [Extraction]) -> String {
        match Cli::try_parse_from(command.split(' ')).unwrap().command {
            Command::Check(mut arguments) => {
                arguments.file = self.desk.path().join(arguments.file);
                let text = route::check(&arguments.file, build).unwrap().text();
                text.replace(&format!("{}/", self.desk.path().display()), "")
            }
            Command::Report(mut arguments) => {
                arguments.store = self.proxy().store();
                report::text(&arguments).await.unwrap()
            }
            command => panic!("nobody follows {command:?} here"),
        }
    }

    /// What a shell prints in the shop's folder, where Rails needs no database for it.
    async fn shell(&self, command: &str) -> String {
        let admin = self.proxy.as_ref().map_or_else(String::new, Proxy::admin);
        let command = command.replace("localhost:9090", admin.trim_start_matches("http://"));
        let output = tokio::process::Command::new("sh")
            .args(["-c", &command])
            .current_dir(project::root().join("tests/shop"))
            .envs([("RAILS_ENV", "production"), ("BUNDLE_FROZEN", "true")])
            .env("SHOP_STATE", self.desk.path())
            .env("SECRET_KEY_BASE", &self.shop.secret_key_base)
            .env("DATABASE_URL", self.shop.database_url.replacen("mysql:", "mysql2:", 1))
            .env("REDIS_URL", &self.shop.redis_url)
            .stdin(Stdio::null())
            .output();
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    }

    /// Nothing of the document is left.
    pub(super) async fn finish(mut self) {
        self.stop().await;
        let left: Vec<_> = self.steps.keys().collect();
        assert!(left.is_empty(), "nobody has followed {left:?}");
    }
}
