//! Nothing that a buyer entered is anywhere but in the shop, whatever handlers and peers do.

mod buyer;
mod canary;
mod peers;
mod process;
mod surfaces;

use reqwest::Url;
use shadow::{Reports, RouteReport, StratumReport};
use sqlx::mysql::MySqlPoolOptions;
use toml::{Table, Value};

use self::{
    buyer::{Buyer, send_no_http},
    canary::Ear,
    peers::Peer,
    process::Careless,
    surfaces::Surface,
};
use crate::support::{eventually, quiet_shop, routes};

/// Routes of which every request is judged, and how many are made of each.
const JUDGED: [(&str, u64); 14] = [
    (NAMED, 7),
    ("cart.show", 1),
    ("catalog.browse", 1),
    ("catalog.home", 1),
    ("catalog.list", 1),
    ("catalog.product", 2),
    ("catalog.show", 3),
    ("notifications.api_list", 1),
    ("notifications.list", 1),
    ("onboarding.login_form", 1),
    ("onboarding.session", 2),
    ("onboarding.signup_form", 2),
    ("purchasing.order", 1),
    ("purchasing.orders", 1),
];

/// The route whose requests name operations, as data has it: six of them.
const NAMED: &str = "cart.api_show";

/// What is revealed, though it should not be, is hidden all the same.
const REVEALED: [&str; 5] =
    ["$.user.email", "$.csrf_token", "$.told", "request.query.email", "request.query.token"];

/// What the log must say, so that there is something to be heard there: a line for what fails in each
/// way in which data could get into it.
const SAID: [&str; 7] = [
    "fell back to the monolith",
    "panicked",
    "with values in its message",
    "SQLSTATE 23000",
    "JSON that cannot be read",
    "request failed",
    "request refused",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_leaves_the_shop() {
    let shop = quiet_shop().await;
    let database = MySqlPoolOptions::new().connect(&shop.database_url).await.unwrap();
    let collector = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()).await;
    let name = canary::name("upstream");
    let odd = Peer::answering(format!("HTTP/1.1 200 {name}\r\n{name}: 1\r\n\r\n{name}")).await;
    let mut flags = shop.flags();
    flags.push(format!("--monolith={}", shop.url));
    flags.push(format!("--database={}", shop.database_url));
    flags.push(format!("--otlp=http://{}", collector.address));
    let mut process = Careless::start(&careless(&odd), &flags).await;

    let buyer = Buyer::sign_up(&process.url, &database).await;
    buyer.look_around().await;
    buyer.fill_in().await;
    send_no_http(Url::parse(&process.url).unwrap().socket_addrs(|| None).unwrap()[0]).await;

    let found = judged(&process).await;
    let mut all = surfaces::admin(&process.admin).await;
    assert!(
        all.iter().any(|it| it.0.starts_with("/api/routes/") && it.0.contains("/differences/"))
    );
    all.extend(surfaces::reports(&process, &found));
    all.extend(surfaces::files(&process));
    assert!(process.stop());
    // What was on its way has arrived, and the store is one file again.
    all.extend(surfaces::files(&process));
    all.push(("spans".into(), collector.seen()));
    assert!(collector.seen().len() > 10_000, "hardly a span was sent");
    let left_behind = process.left_behind();
    assert!(left_behind.is_empty(), "{left_behind:?}");
    assert_silent(&all, &Ear::new(&buyer.secrets()));
    for said in SAID {
        assert!(process.log().contains(said), "the log does not say: {said}");
    }
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_everything_gets_it() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()).await;
    let routes = format!("[monolith]\nservers = [\"http://{}\"]\n", peer.address);
    let mut flags = Vec::new();
    for unredacted in [false, true] {
        flags.extend(unredacted.then(|| "--log-unredacted".to_owned()));
        let mut process = Careless::start(&routes, &flags).await;
        let request = reqwest::Client::new().get(format!("{}/buyers/jane-doe?a=1", process.url));
        request.header("user-agent", "jane@shop.test").send().await.unwrap();
        assert!(process.stop());
        let log = process.log();
        for hidden in ["\"/buyers/jane-doe\"", "jane@shop.test"] {
            assert_eq!(log.contains(hidden), unredacted, "{log}");
        }
    }
}

fn assert_silent(all: &[Surface], ear: &Ear) {
    let heard: Vec<_> = all
        .iter()
        .filter_map(|(name, bytes)| Some(format!("{name}: …{}…", ear.hear(bytes)?)))
        .collect();
    assert!(heard.is_empty(), "{} of {} surfaces:\n{}", heard.len(), all.len(), heard.join("\n"));
}

/// The demo's table: what only reads is in shadow and reveals the wrong things, nothing is excused;
/// the rest is answered by handlers. Two services answer badly, or not at all.
fn careless(odd: &Peer) -> String {
    let mut table: Table = routes().parse().unwrap();
    let routes = table["route"].as_array_mut().unwrap();
    for route in routes.iter_mut().filter_map(Value::as_table_mut) {
        for key in ["tolerate", "ignore", "reveal", "sample", "timeout"] {
            route.remove(key);
        }
        let id = route["id"].as_str().unwrap();
        if JUDGED.iter().any(|(judged, _)| *judged == id) || id == "returns.show" {
            route.insert("stage".into(), "shadow".into());
            route.insert("sample".into(), "100%".into());
            route.insert("reveal".into(), REVEALED.map(Value::from).to_vec().into());
        }
    }
    let upstreams = format!(
        "[upstream.odd]\nservers = [\"http://{}\"]\n[upstream.gone]\nservers = [\"http://127.0.0.1:1\"]\n\
         [[route]]\nid = \"odd\"\nmatch = {{ path = \"/odd/{{who}}\" }}\nstage = \"upstream\"\n\
         upstream = \"odd\"\n\
         [[route]]\nid = \"gone\"\nmatch = {{ path = \"/gone/{{who}}\" }}\nstage = \"upstream\"\n\
         upstream = \"gone\"\n",
        odd.address
    );
    format!("{table}\n{upstreams}")
}

/// Waits until everything was judged; each of these routes must have differences.
async fn judged(process: &Careless) -> Vec<String> {
    let reports = Reports::open_read_only(&process.store()).await.unwrap();
    for (route, requests) in JUDGED {
        let what = format!("{requests} judged requests of {route}");
        let report = eventually(&what, || async {
            let report: RouteReport = reports.route(route).await.unwrap()?;
            (report.compared() + report.unknowns.values().sum::<u64>() >= requests)
                .then_some(report)
        });
        let report = report.await;
        assert!(report.mismatched > 0, "{route}: {:?}", report.unknowns);
        if route == NAMED {
            let named = report.strata.iter().filter(|it| it.stratum.as_str().ends_with(" other"));
            let requests =
                |it: &StratumReport| it.requests.compared + it.unknowns.values().sum::<u64>();
            assert_eq!(named.map(requests).sum::<u64>(), 6, "{:?}", report.strata);
        }
    }
    JUDGED.map(|(route, _)| route.to_owned()).to_vec()
}
