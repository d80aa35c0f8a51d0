//! What is bought in these tests: orders, stock, payments and events in tables of their own, sold by
//! a handler in Rust and by a monolith, and counted in the end.

use std::collections::{BTreeMap, BTreeSet};

use extracted::{Ctx, Effects, Extraction, HandlerError, Job, Reply, Request};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, MySql, MySqlPool, Transaction};

/// What there is of each item in the beginning.
const STOCK: i64 = 1_000_000;
/// How many items there are.
pub(super) const ITEMS: u32 = 40;
/// The statements of a sale, from BEGIN to COMMIT.
pub(super) const STEPS: usize = 8;
/// Where the jobs of sales go.
pub(super) const QUEUE: &str = "ledger";

/// What a buyer sends: one click, which must become one order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Click {
    pub(super) click: String,
    pub(super) item: u32,
}

/// What a buyer is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sold {
    pub(super) order: u64,
    pub(super) by: String,
}

/// The sale in Rust, in the tables of this name. It leaves an order, a payment, an event, less of
/// the stock, and a job.
pub(super) const BUY: Extraction = Extraction {
    id: "ledger.buy",
    replaces: "LedgerController#buy",
    effects: Effects::RowsAndJobs,
    run: |ctx, request| Box::pin(buy(ctx, request)),
};

async fn buy(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let click: Click = serde_json::from_slice(&request.body).map_err(HandlerError::Json)?;
    let order = sell(&mut ctx.tx, &click, "rust").await?;
    ctx.jobs.push(Job { queue: QUEUE.to_owned(), at: None, payload: order.to_string() });
    let sold = Sold { order, by: "rust".to_owned() };
    let body = serde_json::to_vec(&sold).map_err(HandlerError::Json)?.into();
    Ok(Reply { status: StatusCode::CREATED, headers: HeaderMap::new(), body })
}

async fn sell(
    tx: &mut Transaction<'static, MySql>,
    Click { click, item }: &Click,
    by: &str,
) -> Result<u64, sqlx::Error> {
    let order = sqlx::query("INSERT INTO ledger_orders (click, item, sold_by) VALUES (?, ?, ?)");
    let order = order.bind(click).bind(item).bind(by).execute(&mut **tx).await?.last_insert_id();
    let stock = sqlx::query("UPDATE ledger_stock SET available = available - 1 WHERE item = ?");
    stock.bind(item).execute(&mut **tx).await?;
    let payment = sqlx::query("INSERT INTO ledger_payments (order_id, amount) VALUES (?, 19.90)");
    payment.bind(order).execute(&mut **tx).await?;
    let event = sqlx::query("INSERT INTO ledger_events (order_id) VALUES (?)");
    event.bind(order).execute(&mut **tx).await?;
    Ok(order)
}

/// The tables, over a connection that nobody breaks.
#[derive(Debug, Clone)]
pub(super) struct Ledger(pub(super) MySqlPool);

impl Ledger {
    /// Empty tables and full shelves.
    pub(super) async fn create(database: &str) -> Self {
        let pool = extracted::rails::database::pool(database, 32).unwrap();
        let ledger = Self(pool);
        for table in ["orders", "stock", "payments", "events"] {
            ledger.execute(format!("DROP TABLE IF EXISTS ledger_{table}")).await;
        }
        let key = "id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT";
        for columns in [
            // No click is unique here: what would be sold twice must be seen.
            format!("orders ({key}, click VARCHAR(40), item INT, sold_by VARCHAR(5), KEY (click))"),
            "stock (item INT PRIMARY KEY, available BIGINT)".to_owned(),
            format!("payments ({key}, order_id BIGINT UNSIGNED, amount DECIMAL(10, 2))"),
            format!("events ({key}, order_id BIGINT UNSIGNED)"),
        ] {
            ledger.execute(format!("CREATE TABLE ledger_{columns} ENGINE = InnoDB")).await;
        }
        for item in 0..ITEMS {
            ledger.execute(format!("INSERT INTO ledger_stock VALUES ({item}, {STOCK})")).await;
        }
        ledger
    }

    async fn execute(&self, sql: String) {
        sqlx::query(AssertSqlSafe(sql)).execute(&self.0).await.unwrap();
    }

    /// The monolith's own sale.
    pub(super) async fn sell(&self, click: &Click) -> Sold {
        let mut tx = self.0.begin().await.unwrap();
        let order = sell(&mut tx, click, "rails").await.unwrap();
        tx.commit().await.unwrap();
        Sold { order, by: "rails".to_owned() }
    }

    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.0).await.unwrap()
    }

    /// The orders that were sold in Rust, as the payloads of their jobs.
    pub(super) async fn sold_in_rust(&self) -> BTreeSet<String> {
        let orders = sqlx::query_scalar("SELECT id FROM ledger_orders WHERE sold_by = 'rust'");
        let orders: Vec<u64> = orders.fetch_all(&self.0).await.unwrap();
        orders.iter().map(ToString::to_string).collect()
    }

    /// Fails unless no click was sold twice, what buyers were told is true, and everything adds up.
    pub(super) async fn audit(&self, told: &BTreeMap<String, Sold>) {
        let rows: Vec<(u64, String)> =
            sqlx::query_as("SELECT id, click FROM ledger_orders").fetch_all(&self.0).await.unwrap();
        let mut orders = BTreeMap::new();
        for (id, click) in &rows {
            let first = orders.insert(click, *id);
            assert_eq!(first, None, "click {click} was sold twice, the second time as {id}");
        }
        for (click, sold) in told {
            assert_eq!(orders.get(click), Some(&sold.order), "{click} was told {sold:?}");
        }
        assert_eq!(orders.len(), told.len(), "orders that no buyer knows of");
        let wrong_stock = "SELECT COUNT(*) FROM ledger_stock s WHERE available <> 1000000 - \
                           (SELECT COUNT(*) FROM ledger_orders o WHERE o.item = s.item)";
        assert_eq!(self.count(wrong_stock).await, 0, "stock does not add up with the orders");
        for (wrong, what) in [
            (
                "SELECT COUNT(*) FROM ledger_orders o WHERE 1 <> \
                 (SELECT COUNT(*) FROM ledger_payments p WHERE p.order_id = o.id AND amount = 19.90)",
                "orders that are not paid once",
            ),
            (
                "SELECT COUNT(*) FROM ledger_orders o WHERE 1 <> \
                 (SELECT COUNT(*) FROM ledger_events e WHERE e.order_id = o.id)",
                "orders without their one event",
            ),
        ] {
            assert_eq!(self.count(wrong).await, 0, "{what}");
        }
        let orders = i64::try_from(orders.len()).unwrap();
        assert_eq!(self.count("SELECT COUNT(*) FROM ledger_payments").await, orders, "payments");
        assert_eq!(self.count("SELECT COUNT(*) FROM ledger_events").await, orders, "events");
    }
}
