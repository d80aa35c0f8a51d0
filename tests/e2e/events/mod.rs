//! What the shop writes into its outbox reaches Kafka: the whole way, with a real broker, and with
//! proxies that die or are drained in the middle of it.

mod broker;
mod outbox;

use sqlx::{MySql, Transaction};
use tests::{
    banyan::Proxy,
    browser::Browser,
    buyers::{Buyers, Until},
};

use self::{
    broker::Broker,
    outbox::{Outbox, assert_told, is_leader, leads},
};
use crate::support::{eventually, metric};

const LAG: &str = "banyan_events_lag_seconds";

async fn shopping(base: String, seed: u64) {
    let buyers = Buyers { base, at_once: 3, seed };
    let tally = buyers.run(Until::Journeys(8)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
}

/// Somebody of the shop takes back what a buyer of the seeds has returned.
async fn approves_a_return(base: &str) {
    let browser = Browser::new(base);
    let login = browser.visit("/login").await.unwrap();
    let fields = [("email", "admin@shop.test"), ("password", "correct horse")];
    browser.submit(&login, "/login", &fields).await.unwrap();
    let returns = browser.visit("/admin/returns").await.unwrap();
    let actions = returns.attributes("form[action$='/approve']", "action");
    let answer = browser.submit(&returns, &actions[0], &[]).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_buyers_do_arrives_once_in_order_and_as_rails_wrote_it() {
    let (outbox, broker) = (Outbox::empty().await, Broker::running());
    let proxy = outbox.proxy(&broker).await;
    let changes = outbox.write_on(900_000..900_004);
    shopping(proxy.url(), 71).await;
    approves_a_return(&proxy.url()).await;
    let changes = changes.end().await;
    outbox.all_are_marked().await;

    let rows = outbox.rows().await;
    assert!(outbox.count("order.placed").await > 0, "nobody bought");
    assert!(outbox.count("return.approved").await == 1);
    assert!(changes.len() > 100, "{} changes", changes.len());
    let times = assert_told(&rows, &broker.messages().await);
    assert!(times.values().all(|it| *it == 1), "{times:?}");
    // Counted right after the mark that was waited for.
    eventually("all to be counted", || async {
        let published = metric(&proxy, "banyan_events_published_total").await;
        (published.to_string() == rows.len().to_string()).then_some(())
    })
    .await;
    proxy.stop().await;
    assert!(outbox.lease_is_free().await, "a drained proxy must let go of the lease");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_proxy_takes_over_and_nothing_is_lost_or_overtaken() {
    let (outbox, broker) = (Outbox::empty().await, Broker::running());
    let first = outbox.proxy(&broker).await;
    leads(&first).await;
    let second = outbox.proxy(&broker).await;
    let changes = outbox.write_on(910_000..910_004);
    published(&first).await;
    assert!(!is_leader(&second).await, "two publish at once");
    assert!(metric(&second, "banyan_events_published_total").await < 1.0);

    // As if its process had died.
    drop(first);
    published(&second).await;
    let third = outbox.proxy(&broker).await;
    second.stop().await;
    published(&third).await;

    let changes = changes.end().await;
    outbox.all_are_marked().await;
    let rows = outbox.rows().await;
    assert_eq!(rows.len(), changes.len());
    assert_told(&rows, &broker.messages().await);
    third.stop().await;
}

/// Waits until this proxy has published a good number.
async fn published(proxy: &Proxy) {
    eventually("a proxy to publish events", || async {
        (metric(proxy, "banyan_events_published_total").await > 50.0).then_some(())
    })
    .await;
}

/// An event that Kafka has and that cannot be marked, since its row is locked: with the proxy that
/// tries, and the lock.
async fn sent_but_not_marked(
    outbox: &Outbox,
    broker: &mut Broker,
) -> (Proxy, Transaction<'static, MySql>) {
    // Written and locked while nothing can be sent.
    let event = outbox.write(920_000).await;
    let lock = outbox.lock(event).await;
    let proxy = outbox.proxy(broker).await;
    broker.start();
    eventually("the event to be sent", || async {
        (!broker.messages().await.is_empty()).then_some(())
    })
    .await;
    (proxy, lock)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_proxy_dies_between_sending_and_marking_is_sent_again() {
    let (outbox, mut broker) = (Outbox::empty().await, Broker::absent());
    let (proxy, lock) = sent_but_not_marked(&outbox, &mut broker).await;
    drop(proxy);
    lock.rollback().await.unwrap();
    assert_eq!(outbox.unmarked().await, 1);

    let next = outbox.proxy(&broker).await;
    outbox.all_are_marked().await;
    let times = assert_told(&outbox.rows().await, &broker.messages().await);
    assert!(times.values().all(|it| *it == 2), "{times:?}");
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_has_lost_its_lease_marks_nothing() {
    let (outbox, mut broker) = (Outbox::empty().await, Broker::absent());
    let (proxy, lock) = sent_but_not_marked(&outbox, &mut broker).await;
    outbox.steal_the_lease(3600).await;
    lock.rollback().await.unwrap();
    eventually("the proxy to give up", || async { (!is_leader(&proxy).await).then_some(()) }).await;
    assert_eq!(outbox.unmarked().await, 1, "it marked what is another's to publish");

    outbox.steal_the_lease(-1).await;
    outbox.all_are_marked().await;
    let times = assert_told(&outbox.rows().await, &broker.messages().await);
    assert!(times.values().all(|it| *it == 2), "{times:?}");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_while_kafka_is_away_and_buyers_notice_nothing() {
    let (outbox, mut broker) = (Outbox::empty().await, Broker::absent());
    let proxy = outbox.proxy(&broker).await;
    outbox.write(930_000).await;
    shopping(proxy.url(), 72).await;
    lags(&proxy).await;
    eventually("a failure to be counted", || async {
        let failures = "banyan_events_failures_total{reason=\"kafka\"}";
        (metric(&proxy, failures).await > 0.0).then_some(())
    })
    .await;
    broker.start();
    has_caught_up(&outbox, &proxy).await;

    broker.hang();
    outbox.write(930_000).await;
    shopping(proxy.url(), 73).await;
    lags(&proxy).await;
    broker.go_on();
    has_caught_up(&outbox, &proxy).await;

    assert_told(&outbox.rows().await, &broker.messages().await);
    proxy.stop().await;
}

/// Waits until an event waits for some time, and the metrics say so.
async fn lags(proxy: &Proxy) {
    eventually("events to lag behind", || async {
        let waits = metric(proxy, "banyan_events_pending").await > 0.0;
        (waits && metric(proxy, LAG).await > 2.0).then_some(())
    })
    .await;
}

/// Waits until nothing waits, and the metrics say so.
async fn has_caught_up(outbox: &Outbox, proxy: &Proxy) {
    outbox.all_are_marked().await;
    eventually("the lag to be gone", || async {
        let waits = metric(proxy, "banyan_events_pending").await > 0.0;
        (!waits && metric(proxy, LAG).await < 0.001).then_some(())
    })
    .await;
}
