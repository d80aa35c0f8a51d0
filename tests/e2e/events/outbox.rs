//! The outbox of a shop whose events no other test reads, and what a reader must find of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use extracted::rails::database;
use sqlx::{MySql, MySqlPool, Transaction};
use tests::{
    banyan::{Proxy, Setup},
    shop::{Addresses, Shop},
};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::{JoinSet, spawn_blocking},
    time::interval,
};

use super::broker::{Broker, Message};
use crate::support::{eventually, metric};

static SHOP: LazyLock<Shop> =
    LazyLock::new(|| Shop::start_without_workers(&"e".repeat(128)).expect("the shop must start"));

/// There is one lease and one outbox, so one test at a time has them.
static ALONE: Mutex<()> = Mutex::const_new(());

/// How often somebody writes who is not a buyer.
const PACE: Duration = Duration::from_millis(20);

const INSERT: &str = "INSERT INTO outbox_events \
                      (aggregate_type, aggregate_id, name, payload, created_at) \
                      VALUES ('Order', ?, 'order.changed', ?, UTC_TIMESTAMP(6))";

/// A shop with an empty outbox.
pub(super) struct Outbox {
    shop: Addresses,
    pub(super) database: MySqlPool,
    _alone: MutexGuard<'static, ()>,
}

/// A row of the outbox, as it must arrive.
type Row = (i64, String, i64, String, String, String);

impl Outbox {
    pub(super) async fn empty() -> Self {
        let alone = ALONE.lock().await;
        let shop = spawn_blocking(|| SHOP.addresses.clone()).await.unwrap();
        let database = database::pool(&shop.database_url, 8).unwrap();
        sqlx::query("DELETE FROM outbox_events").execute(&database).await.unwrap();
        Self { shop, database, _alone: alone }
    }

    /// A proxy in front of the shop that publishes to this broker when it may.
    pub(super) async fn proxy(&self, broker: &Broker) -> Proxy {
        let setup = Setup {
            monolith: self.shop.url.clone(),
            database: Some(self.shop.database_url.clone()),
            flags: ["--kafka", broker.address(), "--kafka-topic-prefix", "shop."]
                .map(str::to_owned)
                .into(),
            ..Setup::default()
        };
        Proxy::start(setup, &[]).await.unwrap()
    }

    /// An event of this order, as Rails would write it.
    pub(super) async fn write(&self, order: i64) -> i64 {
        write(&self.database, order, 0).await
    }

    /// An event of each of these orders after the other, until told to end; their ids.
    pub(super) fn write_on(&self, orders: std::ops::Range<i64>) -> Writers {
        let (over, mut tasks) = (Arc::<AtomicBool>::default(), JoinSet::new());
        for order in orders {
            let (over, database) = (Arc::clone(&over), self.database.clone());
            tasks.spawn(async move {
                let (mut ids, mut pace) = (Vec::new(), interval(PACE));
                while !over.load(Ordering::Relaxed) {
                    pace.tick().await;
                    ids.push(write(&database, order, ids.len()).await);
                }
                ids
            });
        }
        Writers { over, tasks }
    }

    /// Keeps this row from being marked, while it can be read and sent.
    pub(super) async fn lock(&self, event: i64) -> Transaction<'static, MySql> {
        let mut lock = self.database.begin().await.unwrap();
        let row = sqlx::query("SELECT id FROM outbox_events WHERE id = ? FOR UPDATE").bind(event);
        row.fetch_one(&mut *lock).await.unwrap();
        lock
    }

    pub(super) async fn rows(&self) -> Vec<Row> {
        let rows = "SELECT id, aggregate_type, aggregate_id, name, payload, \
                    DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%fZ') FROM outbox_events ORDER BY id";
        sqlx::query_as(rows).fetch_all(&self.database).await.unwrap()
    }

    /// How many events of this name there are.
    pub(super) async fn count(&self, name: &str) -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM outbox_events WHERE name = ?");
        count.bind(name).fetch_one(&self.database).await.unwrap()
    }

    /// How many rows are not marked.
    pub(super) async fn unmarked(&self) -> i64 {
        let count = "SELECT COUNT(*) FROM outbox_events WHERE published_at IS NULL";
        sqlx::query_scalar(count).fetch_one(&self.database).await.unwrap()
    }

    pub(super) async fn all_are_marked(&self) {
        eventually("all events to be marked", || async {
            (self.unmarked().await == 0).then_some(())
        })
        .await;
    }

    /// Whether the database gives the lease to whoever asks.
    pub(super) async fn lease_is_free(&self) -> bool {
        let free = "SELECT expires_at < UTC_TIMESTAMP(6) FROM banyan_leases WHERE name = 'events'";
        sqlx::query_scalar(free).fetch_one(&self.database).await.unwrap()
    }

    /// Takes the lease from whoever holds it, as the database does with one who was silent for too
    /// long, for so many seconds.
    pub(super) async fn steal_the_lease(&self, seconds: i64) {
        let steal = "UPDATE banyan_leases SET holder = UNHEX(REPEAT('AB', 16)), \
                     expires_at = UTC_TIMESTAMP(6) + INTERVAL ? SECOND WHERE name = 'events'";
        sqlx::query(steal).bind(seconds).execute(&self.database).await.unwrap();
    }
}

async fn write(database: &MySqlPool, order: i64, number: usize) -> i64 {
    let insert = sqlx::query(INSERT).bind(order).bind(format!("{{\"number\":{number}}}"));
    let id = insert.execute(database).await.unwrap().last_insert_id();
    id.try_into().unwrap()
}

/// Those who write one event after the other.
pub(super) struct Writers {
    over: Arc<AtomicBool>,
    tasks: JoinSet<Vec<i64>>,
}

impl Writers {
    /// The ids of all that they wrote.
    pub(super) async fn end(self) -> BTreeSet<i64> {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

/// Waits until a proxy publishes.
pub(super) async fn leads(proxy: &Proxy) {
    eventually("a proxy to publish", || async { is_leader(proxy).await.then_some(()) }).await;
}

pub(super) async fn is_leader(proxy: &Proxy) -> bool {
    metric(proxy, "banyan_events_leader").await > 0.0
}

/// Every row arrived as it stands there, and a row of an aggregate never before an earlier one.
/// Returns how often each came.
pub(super) fn assert_told(rows: &[Row], messages: &[Message]) -> BTreeMap<i64, usize> {
    let mut told = BTreeMap::<i64, Vec<&Message>>::new();
    let mut last = BTreeMap::new();
    for message in messages {
        let (id, key) = (message.id(), (&message.topic, &message.key));
        let times = told.entry(id).or_default();
        let (place, before) = last.entry(key).or_insert((message.partition, 0));
        assert_eq!(*place, message.partition, "{key:?} is in two partitions");
        if times.is_empty() {
            assert!(*before < id, "{key:?}: {before} came before {id}");
            *before = id;
        }
        times.push(message);
    }
    for row in rows {
        let found = told.get(&row.0).unwrap_or_else(|| panic!("event {} is lost", row.0));
        for it in found {
            assert_is(it, row);
        }
    }
    assert_eq!(told.len(), rows.len(), "there are events that nobody wrote");
    told.into_iter().map(|(id, times)| (id, times.len())).collect()
}

fn assert_is(message: &Message, (id, class, aggregate, name, payload, created_at): &Row) {
    assert_eq!(message.topic, format!("shop.{}", class.to_lowercase()));
    assert_eq!(message.key, aggregate.to_string());
    assert_eq!(&message.value, payload);
    let headers = [
        ("aggregate_type", class),
        ("created_at", created_at),
        ("id", &id.to_string()),
        ("name", name),
    ];
    assert_eq!(message.headers, headers.map(|(key, it)| (key.to_owned(), it.clone())).into());
}
