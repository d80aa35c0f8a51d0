//! The pages in a real browser: a migration lead finds a route, its differences, and both sides.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use extracted::{Extraction, catalog};
use fantoccini::{Client, ClientBuilder, Locator, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use tests::project::Scratch;

use crate::support::{forever, judged, proxy, routes, shop};

/// `chromedriver` on a port of its own, with a profile of its own.
struct Driver {
    process: Child,
    port: u16,
    profile: Scratch,
}

impl Driver {
    fn start() -> Self {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "chromedriver", "--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver must be installed: `make test` installs it");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines
            .filter_map(|it| it.rsplit_once("on port ")?.1.trim_end_matches('.').parse().ok())
            // It first repeats what it was asked for, and then says what it took.
            .find(|port| *port != 0)
            .expect("chromedriver must say its port");
        Self { process, port, profile: Scratch::new("chromium") }
    }

    async fn browser(&self) -> Client {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut arguments = vec![profile];
        arguments.extend(
            [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--window-size=1280,900",
            ]
            .map(str::to_owned),
        );
        arguments.extend(
            ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
                .map(str::to_owned),
        );
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), serde_json::json!({ "args": arguments }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        builder.connect(&format!("http://127.0.0.1:{}", self.port)).await.unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const WRONG: Extraction = Extraction {
    run: |ctx, request| {
        Box::pin(async {
            let mut reply = (catalog::show::SHOW.run)(ctx, request).await?;
            let text = String::from_utf8_lossy(&reply.body).replacen("\"brand\":", "\"maker\":", 1);
            reply.body = text.into_bytes().into();
            Ok(reply)
        })
    },
    ..catalog::show::SHOW
};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_goes_from_the_overview_to_a_difference_and_sees_both_sides() {
    let proxy = proxy(shop().await, routes(), forever(vec![catalog::list::LIST, WRONG])).await;
    for id in 1..=3 {
        reqwest::get(format!("{}/api/products/{id}", proxy.url()))
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    judged(&proxy, "catalog.show", 3).await;
    // Not on another thread: the driver dies with the thread that started it.
    let driver = Driver::start();
    let browser = driver.browser().await;

    browser.goto(&proxy.admin()).await.unwrap();
    let overview = text(&browser, "body").await;
    for expected in ["catalog.show", "catalog.list", "shadow", "extracted"] {
        assert!(overview.contains(expected), "{expected} is not on the overview:\n{overview}");
    }
    let link = browser
        .wait()
        .at_most(Duration::from_secs(10))
        .for_element(Locator::LinkText("catalog.show"));
    link.await.unwrap().click().await.unwrap();
    browser
        .wait()
        .for_url(&format!("{}/routes/catalog.show", proxy.admin()).parse().unwrap())
        .await
        .unwrap();
    let route = text(&browser, "main").await;
    for expected in ["$.brand", "missing", "$.maker", "extra"] {
        assert!(route.contains(expected), "{expected} is not on the route's page:\n{route}");
    }
    for difference in browser.find_all(Locator::Css("summary")).await.unwrap() {
        difference.click().await.unwrap();
    }
    let opened = text(&browser, "main").await;
    assert!(opened.matches("GET /api/products/").count() > 0, "no sample is shown:\n{opened}");

    browser.close().await.unwrap();
    drop(driver);
    proxy.stop().await;
}

async fn text(browser: &Client, selector: &str) -> String {
    browser.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
}
