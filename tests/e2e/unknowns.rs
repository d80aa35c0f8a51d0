//! What could not be compared is counted with its reason, and every request has an end in the log.

use std::collections::BTreeMap;

use extracted::{
    Ctx, Effects, Extraction, HandlerError, Reply, Request, notifications::api_list::API_LIST,
};
use futures_util::{StreamExt as _, stream};
use shadow::{Reports, Settings, Unknown};
use tests::{banyan::Proxy, shop::Addresses};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use toml::Table;

use crate::support::{eventually, forever, judged, metric, proxy, routes, shop};

/// The demo's routes in front of another monolith than the shop.
async fn in_front_of(monolith: String) -> Proxy {
    proxy(Addresses { url: monolith, ..shop().await }, routes(), extracted::all()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monolith_that_cannot_be_reached_is_an_unknown_and_a_502() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = in_front_of(format!("http://{address}")).await;
    let response = reqwest::get(format!("{}/api/products/1", proxy.url())).await.unwrap();
    assert_eq!(response.status(), 502);
    let report = judged(&proxy, "catalog.show", 1).await;
    assert_eq!(report.unknowns.get(&Unknown::ControlFailed), Some(&1), "{:?}", report.unknowns);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_answer_is_counted_in_log_and_report() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = in_front_of(format!("http://{}", silent.local_addr().unwrap())).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(b"GET /api/products/1 HTTP/1.1\r\nHost: shop.test\r\n\r\n").await.unwrap();
    // Only when the request is at the monolith does the client leave.
    let at_the_monolith = silent.accept().await.unwrap();
    drop(client);
    let series = "banyan_requests_total{route=\"catalog.show\",side=\"proxy\",status=\"4xx\"}";
    eventually("the request to be counted", || async {
        (metric(&proxy, series).await > 0.0).then_some(())
    })
    .await;
    let report = judged(&proxy, "catalog.show", 1).await;
    assert_eq!(report.unknowns.get(&Unknown::ClientGone), Some(&1), "{:?}", report.unknowns);
    drop(at_the_monolith);
    proxy.stop().await;
}

/// Requests that are on their way when the drain begins are answered, on new connections and on
/// those that are open already.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_a_drain_is_answered() {
    let proxy = proxy(shop().await, routes(), extracted::all()).await;
    let (address, request) = (proxy.address(), b"GET /up HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(TcpStream::connect(address).await.unwrap());
    }
    for client in &mut clients {
        client.write_all(request).await.unwrap();
    }
    let (answers, ()) = tokio::join!(
        async {
            let mut answers = 0;
            for client in &mut clients {
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).await.unwrap();
                answers += usize::from(answer.starts_with(b"HTTP/1.1 200"));
            }
            answers
        },
        proxy.stop(),
    );
    assert_eq!(answers, 20);
}

/// Closed as soon as handlers may answer.
static GATE: Semaphore = Semaphore::const_new(0);

/// The correct handler, when the gate has opened.
const PATIENT: Extraction = Extraction { run: |ctx, it| Box::pin(patient(ctx, it)), ..API_LIST };

async fn patient(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let _ = GATE.acquire().await;
    (API_LIST.run)(ctx, request).await
}

/// More requests than the judge can hold, while nothing moves: buyers notice nothing, and each request
/// is counted once.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_judge_has_no_room_for_is_counted_and_nothing_is_lost() {
    let mut table: Table = routes().parse().unwrap();
    let routes = table["route"].as_array_mut().unwrap().iter_mut();
    for route in routes.filter_map(toml::Value::as_table_mut) {
        if route["id"].as_str() == Some(PATIENT.id) {
            route.insert("stage".to_owned(), "shadow".into());
            route.insert("sample".to_owned(), "100%".into());
            route.insert("timeout".to_owned(), "2m".into());
        }
    }
    let proxy = proxy(shop().await, table.to_string(), forever(vec![PATIENT])).await;
    let Settings { queue, concurrency, .. } = Settings::default();
    let (room, beyond) = ((queue + concurrency) as u64, 150);
    let (client, url) = (reqwest::Client::new(), format!("{}/api/notifications", proxy.url()));
    let ask = |_| {
        let request = client.get(&url).send();
        async { request.await.unwrap().status() }
    };
    let answers = stream::iter(0..room + beyond).map(ask).buffer_unordered(8);
    let refused = answers.filter(|it| std::future::ready(*it != 401)).count().await;
    assert_eq!(refused, 0, "nobody is signed in, and the monolith says so to all");

    GATE.close();
    let report = judged(&proxy, PATIENT.id, room + beyond).await;
    let counted = report.matched + report.unknowns.values().sum::<u64>();
    assert_eq!((counted, report.compared()), (room + beyond, report.matched), "{report:?}");
    // On a machine that is busy one of those before may have failed, and left its place.
    let dropped = report.unplaced.get(&Unknown::Dropped).copied().unwrap_or_default();
    assert!(dropped > beyond / 2, "{report:?}");
    proxy.stop().await;
}

/// A handler whose database fails.
const fn failing(id: &'static str) -> Extraction {
    Extraction { id, replaces: "", effects: Effects::None, run: |ctx, _| Box::pin(fail(ctx)) }
}

async fn fail(ctx: &mut Ctx) -> Result<Reply, HandlerError> {
    sqlx::query("SELECT no_such_column").execute(&mut *ctx.tx).await?;
    Err(HandlerError::Declined("it cannot come to this"))
}

/// As what it answers: of a sample of nothing, and of writes, nothing is counted against it either.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_cannot_answer_is_sampled_as_what_it_answers() {
    let [unsampled, written, sampled] = ["fails.unsampled", "fails.written", "fails.sampled"];
    let routes = [(unsampled, "GET", "0%"), (written, "POST", "100%"), (sampled, "GET", "100%")];
    let routes = routes.map(|(id, method, sample)| {
        format!(
            "[[route]]\nid = \"{id}\"\nmatch = {{ method = \"{method}\", path = \"/{id}\" }}\n\
             stage = \"extracted\"\nsample = \"{sample}\"\n"
        )
    });
    let handlers = forever([unsampled, written, sampled].map(failing).into());
    let proxy = proxy(shop().await, routes.concat(), handlers).await;
    let (client, url) = (reqwest::Client::new(), |id| format!("{}/{id}", proxy.url()));
    for request in [client.get(url(unsampled)), client.post(url(written)), client.get(url(sampled))]
    {
        assert_eq!(request.send().await.unwrap().status(), 404, "the shop's own answer");
    }
    let report = judged(&proxy, sampled, 1).await;
    let failed = BTreeMap::from([(Unknown::Failed, 1)]);
    let kinds = report.strata.iter().map(|it| (&it.stratum.as_str()[..3], &it.unknowns));
    assert_eq!(kinds.collect::<Vec<_>>(), [("4xx", &failed)], "of the kind of the shop's answer");
    let reports = Reports::open_read_only(&proxy.store()).await.unwrap();
    for id in [unsampled, written] {
        assert!(reports.route(id).await.unwrap().is_none(), "{id}");
    }
    proxy.stop().await;
}
