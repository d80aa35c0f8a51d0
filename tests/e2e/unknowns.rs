//! What could not be compared is counted with its reason, and every request has an end in the log.

use shadow::Unknown;
use tests::{banyan::Proxy, shop::Addresses};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{eventually, judged, metric, proxy, routes, shop};

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
