//! A real Prometheus scrapes the proxy, takes the alert rules, and finds every metric that the
//! dashboards and rules ask for.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use reqwest::Client;
use serde_json::Value;
use tests::{
    banyan::{Proxy, Setup},
    buyers::{Buyers, Until},
    project::{self, Scratch},
};

use crate::support::{certificate, eventually, routes, shop};

/// A Prometheus with its own data directory, on a free port.
struct Prometheus {
    process: Child,
    url: String,
    _state: Scratch,
}

impl Prometheus {
    fn scraping(target: &str) -> Self {
        let state = Scratch::new("prometheus");
        let rules = project::root().join("dashboards/prometheus/alerts.yml");
        let scrape = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [{}]\n\
             scrape_configs: [{{ job_name: banyan, static_configs: [{{ targets: ['{target}'] }}] }}]\n",
            rules.display()
        );
        fs::write(state.path().join("prometheus.yml"), scrape).unwrap();
        // Prometheus cannot say which port it took, so one is chosen that is free at this moment.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(project::target().join("tools/prometheus"))
            .arg(format!("--config.file={}", state.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", state.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(state.path().join("log")).unwrap())
            .spawn()
            .expect("`make test` fetches Prometheus");
        Self { process, url: format!("http://127.0.0.1:{port}"), _state: state }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let response = Client::new().get(format!("{}{path}", self.url)).send().await.ok()?;
        response.json().await.ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_is_asked_for_is_scraped() {
    // Certificates have a metric of their own, and so have recordings.
    let files = Scratch::new("certificate");
    let mut flags = vec!["--listen=https://127.0.0.1:0".to_owned()];
    flags.extend(certificate(files.path()));
    let (recordings, key) = (files.path().join("recordings"), "7f".repeat(32));
    flags.extend(["--recordings".into(), recordings.display().to_string()]);
    flags.extend(["--recording-key".into(), key]);
    let shop = shop().await;
    let setup = Setup {
        monolith: shop.url,
        database: Some(shop.database_url),
        routes: Some(routes()),
        flags,
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, extracted::all()).await.unwrap();
    let buyers = Buyers { base: proxy.url(), at_once: 2, seed: 6 };
    let tally = buyers.run(Until::Journeys(4)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
    // A request that the handler declines, so that fallbacks and unknowns have something to show.
    reqwest::get(format!("{}/api/products?page[]=2", proxy.url())).await.unwrap();
    let prometheus = Prometheus::scraping(proxy.admin().trim_start_matches("http://"));
    eventually("a successful scrape", || async {
        let up = prometheus.get("/api/v1/query?query=up").await?;
        (up["data"]["result"][0]["value"][1] == "1").then_some(())
    })
    .await;

    let names = prometheus.get("/api/v1/label/__name__/values").await.unwrap();
    let names: Vec<_> =
        names["data"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let queried = dashboards::queried_metrics();
    assert!(queried.len() >= 10, "{queried:?}");
    for metric in queried {
        // A histogram is scraped as its parts.
        let parts = [metric.clone(), format!("{metric}_count")];
        let scraped = parts.iter().any(|it| names.contains(&it.as_str()));
        assert!(scraped, "{metric} is asked for and was not scraped");
    }
    let rules = prometheus.get("/api/v1/rules").await.unwrap();
    let groups = rules["data"]["groups"].as_array().unwrap();
    assert!(!groups.is_empty(), "no alert rule was loaded");
    drop(prometheus);
    proxy.stop().await;
}

/// The alert rules are well-formed, and fire and stay quiet as their own tests say.
#[test]
fn the_alert_rules_pass_promtool_and_their_own_tests() {
    let folder = project::root().join("dashboards/prometheus");
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
        ["check", "config", "scrape.yml"],
    ] {
        let promtool = project::target().join("tools/promtool");
        let output = Command::new(promtool).args(arguments).current_dir(&folder).output();
        let output = output.expect("`make test` fetches promtool");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}
