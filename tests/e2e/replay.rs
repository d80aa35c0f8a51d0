//! What buyers did through Banyan is recorded, and replayed against the real shop: without a
//! difference where the handlers are right, and with the difference where one is wrong.

use std::{
    future::pending,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use clap::Parser as _;
use extracted::{Extraction, catalog};
use proxy::{
    config::{Cli, Command},
    recording::{self, Key},
    replay::{self, Conclusion, ReplayError, Replayed},
};
use serde_json::{Value, json};
use tests::{
    banyan::{Proxy, Setup},
    buyers::{Buyers, Until},
    project::Scratch,
    shop::{Addresses, Shop},
};
use tokio::sync::Notify;
use toml::Table;

use crate::support::{eventually, forever, judged, metric, quiet_shop, routes};

const KEY: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

/// The demo's routes, each changed by `change`.
pub(crate) fn table(change: impl Fn(&str, &mut Table)) -> String {
    let mut table: Table = routes().parse().unwrap();
    for route in table["route"].as_array_mut().unwrap() {
        let route = route.as_table_mut().unwrap();
        let id = route["id"].as_str().unwrap().to_owned();
        change(&id, route);
    }
    table.to_string()
}

/// Where a shop's requests are recorded, and what they are replayed with.
pub(crate) struct Studio {
    pub(crate) shop: Addresses,
    /// More of the monolith's settings, beside what every shop has.
    pub(crate) rails: Vec<String>,
    routes: String,
    files: Scratch,
}

impl Studio {
    pub(crate) fn new(shop: Addresses, routes: String) -> Self {
        let files = Scratch::new("replay");
        std::fs::write(files.path().join("routes.toml"), &routes).unwrap();
        Self { shop, rails: Vec::new(), routes, files }
    }

    pub(crate) fn recordings(&self) -> String {
        self.path("recordings")
    }

    fn path(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    pub(crate) async fn proxy(&self, extractions: &'static [Extraction]) -> Proxy {
        let mut flags = self.shop.flags();
        let record = ["--recordings", &self.recordings(), "--recording-key", KEY];
        flags.extend(record.map(str::to_owned));
        flags.extend(self.rails.clone());
        let setup = Setup {
            flags,
            monolith: self.shop.url.clone(),
            database: Some(self.shop.database_url.clone()),
            routes: Some(self.routes.clone()),
            ..Setup::default()
        };
        Proxy::start(setup, extractions).await.unwrap()
    }

    /// Replays with more flags, and the key unless it is empty.
    pub(crate) async fn replay(
        &self,
        recording: &str,
        flags: &[&str],
        extractions: &'static [Extraction],
    ) -> Result<Replayed, ReplayError> {
        self.replay_until(recording, flags, extractions, pending::<()>()).await
    }

    async fn replay_until(
        &self,
        recording: &str,
        flags: &[&str],
        extractions: &'static [Extraction],
        interrupted: impl Future,
    ) -> Result<Replayed, ReplayError> {
        let routes = self.path("routes.toml");
        let common = [
            ["--monolith", &self.shop.url],
            ["--database", &self.shop.database_url],
            ["--routes", &routes],
            ["--recording-key", KEY],
        ];
        let shop = self.shop.flags();
        // Jobs are not pushed: a replay has no Redis.
        let rails = shop.iter().skip(2).chain(&self.rails).map(String::as_str);
        let all = ["banyan", "replay", recording]
            .into_iter()
            .chain(common.as_flattened().iter().copied());
        let cli = Cli::try_parse_from(all.chain(rails).chain(flags.iter().copied())).unwrap();
        let Command::Replay(arguments) = cli.command else { panic!("not replay") };
        replay::replay(&arguments, extractions, interrupted).await
    }

    fn record(&self, flags: &[&str]) -> Value {
        let recordings = self.recordings();
        let routes = self.path("routes.toml");
        let common = [
            ["--recordings", &recordings],
            ["--recording-key", KEY],
            ["--routes", &routes],
            ["--format", "json"],
        ];
        let all = ["banyan", "record"].iter().chain(common.as_flattened()).chain(flags);
        let Command::Record(arguments) = Cli::try_parse_from(all).unwrap().command else {
            panic!("not record")
        };
        serde_json::from_str(&recording::record(&arguments, extracted::all()).unwrap()).unwrap()
    }
}

/// The catalogue's handler with a wrong name in it.
fn planted() -> &'static [Extraction] {
    let wrong = Extraction {
        run: |ctx, request| {
            Box::pin(async {
                let mut reply = (catalog::show::SHOW.run)(ctx, request).await?;
                let body = String::from_utf8_lossy(&reply.body);
                reply.body = body.replacen("\"name\":\"", "\"name\":\"Not the ", 1).into();
                Ok(reply)
            })
        },
        ..catalog::show::SHOW
    };
    build_with(wrong)
}

/// All handlers, with this one in the place of its like.
fn build_with(handler: Extraction) -> &'static [Extraction] {
    let others = extracted::all().iter().filter(|it| it.id != handler.id).copied();
    forever(others.chain([handler]).collect())
}

fn shadowing(id: &str, route: &mut Table) {
    if id == catalog::show::SHOW.id {
        route.insert("stage".into(), "shadow".into());
    }
}

/// Tokens and times are other ones in each answer.
pub(crate) fn recorded_with_noise(_: &str, route: &mut Table) {
    route.insert("record".into(), "100%".into());
    route.insert("noise".into(), "100%".into());
    let rules = r#"tolerate = [
        { at = "$.csrf_token", as = "masked-token", why = "masked anew each time" },
        { at = "$.updated_at", as = "time", within = "10s", why = "one is asked after the other" },
    ]"#;
    let rules: Table = rules.parse().unwrap();
    route.entry("tolerate").or_insert(rules["tolerate"].clone());
}

async fn get(proxy: &Proxy, path: &str) {
    let response = reqwest::get(format!("{}{path}", proxy.url())).await.unwrap();
    response.bytes().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_buyers_read_is_replayed_without_a_difference() {
    // Its own: what others buy meanwhile would be a difference, and a true one.
    let shop = tokio::task::spawn_blocking(Shop::start).await.unwrap().unwrap();
    let everything = table(recorded_with_noise);
    let studio = Studio::new(shop.addresses.clone(), everything);
    let proxy = studio.proxy(extracted::all()).await;
    let buyers = Buyers { base: proxy.url(), at_once: 2, seed: 4 };
    let tally = buyers.run(Until::Journeys(4)).await;
    assert_eq!(tally.complaints, Vec::<String>::new());
    proxy.stop().await;

    let held = studio.record(&[]);
    let requests: u64 =
        held["routes"].as_array().unwrap().iter().map(|it| it["requests"].as_u64().unwrap()).sum();
    let replayed =
        studio.replay(&studio.recordings(), &["--values"], extracted::all()).await.unwrap();
    assert_eq!(replayed.conclusion, Conclusion::Same, "{}", replayed.text);
    let flags = ["--format", "json", "--rate", "200"];
    let at_rate = studio.replay(&studio.recordings(), &flags, extracted::all()).await.unwrap();
    let said: Value = serde_json::from_str(&at_rate.text).unwrap();
    let same = said["same"].as_u64().unwrap();
    println!("{requests} requests were recorded, {same} of them compared:\n{}", replayed.text);
    assert!(same >= 10 && said["different"] == 0 && said["unknown"] == 0, "{said}");
    let skipped: u64 = said["routes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["skipped"].as_object().unwrap().values())
        .map(|it| it.as_u64().unwrap())
        .sum();
    assert_eq!(same + skipped, requests, "each request has one fate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_handler_fails_the_replay_and_junit_names_it() {
    let recorded = table(|id, route| {
        if id == catalog::show::SHOW.id {
            route.insert("record".into(), "100%".into());
        }
    });
    let studio = Studio::new(quiet_shop().await, recorded);
    let proxy = studio.proxy(extracted::all()).await;
    for id in 1..=20 {
        get(&proxy, &format!("/api/products/{id}")).await;
    }
    get(&proxy, "/api/products").await;
    eventually("20 requests on the disk", || async {
        let written = metric(&proxy, "banyan_recorded_total{result=\"written\"}").await;
        (written > 19.5).then_some(())
    })
    .await;
    proxy.stop().await;

    let file = studio.path("one.recording");
    let held = studio.record(&["--output", &file]);
    assert_eq!(
        held["routes"].as_array().unwrap().len(),
        1,
        "only one route may be recorded: {held}"
    );
    let junit = ["--format", "junit"];
    let right = studio.replay(&file, &junit, extracted::all()).await.unwrap();
    assert_eq!(right.conclusion, Conclusion::Same, "{}", right.text);
    assert!(right.text.contains("name=\"20 requests without a difference\""), "{}", right.text);

    let wrong = studio.replay(&file, &junit, planted()).await.unwrap();
    assert_eq!(wrong.conclusion, Conclusion::Different);
    assert!(wrong.text.contains("<testsuite name=\"catalog.show\""), "{}", wrong.text);
    assert!(wrong.text.contains("message=\"$.name changed\""), "{}", wrong.text);
    assert!(!wrong.text.contains("Not the "), "values are not shown unasked: {}", wrong.text);

    let redacted = studio.path("redacted.recording");
    let kept = studio.record(&["--redacted", "--output", &redacted]);
    assert_eq!((&kept["routes"][0]["requests"], &kept["left_out"]), (&json!(20), &json!(0)));
    let wrong = studio.replay(&redacted, &[], planted()).await.unwrap();
    assert_eq!(wrong.conclusion, Conclusion::Different, "{}", wrong.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_the_report_is_reproduced_by_its_id() {
    // None is recorded but those that differ.
    let differing = table(|id, route| {
        shadowing(id, route);
        if id == catalog::show::SHOW.id {
            route.insert("record".into(), "0%".into());
        }
    });
    let studio = Studio::new(quiet_shop().await, differing);
    let proxy = studio.proxy(planted()).await;
    get(&proxy, "/api/products/1").await;
    let id = sample(&proxy).await;
    let store = proxy.store();
    let recordings = studio.recordings();
    eventually("the raw request of the difference", || async {
        let held = studio.record(&[]);
        (held["routes"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let asked = ["--sample", &id, "--values"];
    let wrong = studio.replay(&recordings, &asked, planted()).await.unwrap();
    assert_eq!(wrong.conclusion, Conclusion::Different);
    for said in [&id, "GET /api/products/1", "$.name", "Not the "] {
        assert!(wrong.text.contains(said), "{said} is not in {}", wrong.text);
    }
    let right = studio.replay(&recordings, &asked, extracted::all()).await.unwrap();
    assert_eq!(right.conclusion, Conclusion::Same, "{}", right.text);

    let flags = ["--sample", "nobody", "--store", &store];
    let unknown = studio.replay(&recordings, &flags, planted()).await.unwrap_err().to_string();
    assert!(unknown.contains("no sample of it"), "{unknown}");
    proxy.stop().await;

    // What cannot be read could differ, but nothing is missing of one that is there.
    let other = Key::parse(&"2".repeat(64)).unwrap();
    recording::seal(&Path::new(&recordings).join("other.recording"), Some(&other), b"").unwrap();
    for (flags, conclusion) in [(&[][..], Conclusion::Unknown), (&asked, Conclusion::Same)] {
        let right = studio.replay(&recordings, flags, extracted::all()).await.unwrap();
        assert_eq!(right.conclusion, conclusion, "{}", right.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_a_route_that_records_nothing_says_which_key_to_set() {
    let studio = Studio::new(quiet_shop().await, table(shadowing));
    std::fs::create_dir(Path::new(&studio.recordings())).unwrap();
    let proxy = studio.proxy(planted()).await;
    get(&proxy, "/api/products/1").await;
    let id = sample(&proxy).await;
    let store = proxy.store();
    let flags = ["--sample", &id, "--store", &store];
    let refused = studio.replay(&studio.recordings(), &flags, planted()).await.unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("`catalog.show` keeps no raw requests"), "{refused}");
    assert!(refused.contains("`record = \"1%\"`"), "{refused}");
    proxy.stop().await;
}

/// Calls of the handler that counts them, and who is told of the seventh.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static SEVENTH: Notify = Notify::const_new();

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_was_stopped_goes_on_where_it_was() {
    const REQUESTS: u64 = 20;
    let counting = Extraction {
        run: |ctx, request| {
            Box::pin(async {
                if CALLS.fetch_add(1, Ordering::Relaxed) == 6 {
                    SEVENTH.notify_one();
                }
                (catalog::show::SHOW.run)(ctx, request).await
            })
        },
        ..catalog::show::SHOW
    };
    let studio = Studio::new(quiet_shop().await, table(recorded_with_noise));
    let proxy = studio.proxy(extracted::all()).await;
    for id in 1..=REQUESTS {
        get(&proxy, &format!("/api/products/{id}")).await;
    }
    proxy.stop().await;

    let (recordings, state) = (studio.recordings(), studio.path("replay.state"));
    let flags = ["--resume", &state, "--format", "json"];
    let handlers = build_with(counting);
    let stopped = studio.replay_until(&recordings, &flags, handlers, SEVENTH.notified()).await;
    let Err(ReplayError::Stopped { done, total, .. }) = stopped else { panic!("{stopped:?}") };
    assert_eq!((done, total), (7, 20), "what was under way was waited for");

    let replayed = studio.replay(&recordings, &flags, handlers).await.unwrap();
    let said: Value = serde_json::from_str(&replayed.text).unwrap();
    assert_eq!((replayed.conclusion, &said["same"]), (Conclusion::Same, &json!(REQUESTS)));
    assert_eq!(CALLS.load(Ordering::Relaxed), 20, "none is asked twice");
    assert!(!Path::new(&state).exists(), "the next run begins anew");
}

/// The request's id of the newest sample of the catalogue's route.
async fn sample(proxy: &Proxy) -> String {
    judged(proxy, "catalog.show", 1).await;
    let reports = shadow::Reports::open_read_only(&proxy.store()).await.unwrap();
    let differences = reports.differences("catalog.show").await.unwrap();
    let name = differences.iter().find(|it| it.path == "$.name").unwrap();
    reports.samples("catalog.show", &name.id).await.unwrap()[0].request_id.clone()
}
