//! What is sold in these tests, and what the shop's tables must say of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use extracted::rails::database;
use sqlx::{AssertSqlSafe, MySqlPool, types::Decimal};
use tests::shop::Addresses;

use super::buyer::{Basket, Told};

/// What there is of each variant in the beginning.
const STOCK: i32 = 1_000_000;
/// How many variants are sold.
const GOODS: u32 = 100;
/// The most of one variant that the shop puts into a cart.
const MOST: u32 = 99;

/// The tables, over connections that nobody breaks.
#[derive(Debug, Clone)]
pub(super) struct Books {
    pub(super) database: MySqlPool,
    /// The variants that are sold.
    goods: Vec<i64>,
    /// The last order of the seeds.
    last: i64,
}

impl Books {
    /// Full shelves, and a coupon for each buyer. Each of the goods costs so little that a basket
    /// never reaches a promotion that is everybody's: its row would let one checkout run at a time.
    pub(super) async fn open(shop: &Addresses, buyers: u32) -> Self {
        let database = database::pool(&shop.database_url, 8).unwrap();
        let goods = "SELECT MIN(variants.id) FROM variants JOIN products ON products.id = product_id \
                     WHERE deleted_at IS NULL AND category <> 'garden' \
                     GROUP BY product_id ORDER BY product_id LIMIT ?";
        let goods: Vec<i64> =
            sqlx::query_scalar(goods).bind(GOODS).fetch_all(&database).await.unwrap();
        for variant in &goods {
            let stock = sqlx::query("UPDATE variants SET stock = ?, price = 1 WHERE id = ?");
            stock.bind(STOCK).bind(variant).execute(&database).await.unwrap();
        }
        for buyer in 1..=buyers {
            let coupon = "INSERT INTO promotions (type, code, name, percent, created_at, updated_at) \
                          VALUES ('PercentPromotion', ?, 'ours', 10, NOW(6), NOW(6))";
            sqlx::query(coupon).bind(Self::coupon(buyer)).execute(&database).await.unwrap();
        }
        let last = sqlx::query_scalar("SELECT MAX(id) FROM orders").fetch_one(&database).await;
        Self { database, goods, last: last.unwrap() }
    }

    /// The code of a buyer's own coupon.
    pub(super) fn coupon(buyer: u32) -> String {
        format!("CLICK{buyer}")
    }

    /// The basket of a user's `number`th click: two variants, and as many of them as no other click
    /// of that user has.
    pub(super) fn basket(&self, user: i64, number: u32) -> Basket {
        let first = (number * 7 + u32::try_from(user).unwrap()) % GOODS;
        let second = (first + 1 + number % (GOODS - 1)) % GOODS;
        let quantities = [number % MOST + 1, number / MOST % MOST + 1];
        let lines = [first, second].into_iter().zip(quantities).map(|(variant, quantity)| {
            (self.goods[variant as usize], i32::try_from(quantity).unwrap())
        });
        Basket { user, lines: lines.collect() }
    }

    /// Of each order its basket.
    ///
    /// Fails where two orders are of one.
    pub(super) async fn orders(&self) -> BTreeMap<Basket, Told> {
        let orders = "SELECT id, user_id, total FROM orders WHERE id > ?";
        let orders: Vec<(i64, i64, Decimal)> =
            sqlx::query_as(orders).bind(self.last).fetch_all(&self.database).await.unwrap();
        let lines = "SELECT order_id, variant_id, quantity FROM order_lines WHERE order_id > ?";
        let lines: Vec<(i64, i64, i32)> =
            sqlx::query_as(lines).bind(self.last).fetch_all(&self.database).await.unwrap();
        let mut of_orders = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (order, variant, quantity) in lines {
            of_orders.entry(order).or_default().insert(variant, quantity);
        }
        let mut found = BTreeMap::new();
        for (order, user, total) in orders {
            let basket = Basket { user, lines: of_orders.remove(&order).unwrap_or_default() };
            let first = found.insert(basket.clone(), Told { order, total });
            assert_eq!(first, None, "{basket:?} was ordered twice, the second time as {order}");
        }
        assert!(of_orders.is_empty(), "lines without an order: {of_orders:?}");
        found
    }

    /// Fails unless there is an order for each click and no other, with what its buyer was told, and
    /// everything adds up.
    pub(super) async fn audit(&self, told: &BTreeMap<Basket, Told>) {
        let orders = self.orders().await;
        for (basket, order) in told {
            assert_eq!(orders.get(basket), Some(order), "{basket:?}");
        }
        let untold: Vec<_> = orders.iter().filter(|it| !told.contains_key(it.0)).collect();
        assert!(untold.is_empty(), "orders that no buyer was told of: {untold:?}");
        self.audit_orders().await;
        let mut sold = BTreeMap::<_, i32>::new();
        for (variant, quantity) in orders.keys().flat_map(|it| &it.lines) {
            *sold.entry(*variant).or_default() += quantity;
        }
        for variant in &self.goods {
            let left = sqlx::query_scalar("SELECT stock FROM variants WHERE id = ?").bind(variant);
            let left: i32 = left.fetch_one(&self.database).await.unwrap();
            let sold = sold.get(variant).copied().unwrap_or_default();
            assert_eq!(STOCK - left, sold, "what is gone of variant {variant}");
        }
    }

    /// Each order is whole, and nothing is left of any other.
    async fn audit_orders(&self) {
        let last = self.last;
        for (wrong, what) in [
            (
                "SELECT COUNT(*) FROM orders o WHERE id > {last} AND (SELECT COALESCE(SUM(total), 0) \
                 FROM order_lines l WHERE l.order_id = o.id) <> subtotal",
                "orders whose lines are not their subtotal",
            ),
            (
                "SELECT COUNT(*) FROM orders WHERE id > {last} \
                 AND (total <> subtotal - discount + shipping OR discount = 0)",
                "orders whose sum is wrong",
            ),
            (
                "SELECT COUNT(*) FROM orders o WHERE id > {last} AND 1 <> (SELECT COUNT(*) \
                 FROM payments p WHERE p.order_id = o.id AND p.kind = 0 AND p.amount = o.total)",
                "orders that are not paid once",
            ),
            (
                "SELECT COUNT(*) FROM payments p WHERE order_id > {last} \
                 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = p.order_id)",
                "payments without an order",
            ),
            (
                "SELECT COUNT(*) FROM orders o WHERE id > {last} AND 1 <> (SELECT COUNT(*) \
                 FROM outbox_events e WHERE e.aggregate_type = 'Order' \
                 AND e.aggregate_id = o.id AND e.name = 'order.placed')",
                "orders without their one event",
            ),
            (
                "SELECT COUNT(*) FROM outbox_events e WHERE aggregate_type = 'Order' \
                 AND aggregate_id > {last} \
                 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = e.aggregate_id)",
                "events without an order",
            ),
            (
                "SELECT COUNT(*) FROM promotions p WHERE name = 'ours' AND used_count <> \
                 (SELECT COUNT(*) FROM orders o WHERE o.promotion_id = p.id)",
                "coupons that were not used as often as they count",
            ),
            (
                "SELECT COUNT(*) FROM cart_lines WHERE cart_id IN (SELECT id FROM carts \
                 WHERE user_id IN (SELECT user_id FROM orders WHERE id > {last}))",
                "lines that are still in the cart",
            ),
        ] {
            let wrong = wrong.replace("{last}", &last.to_string());
            let found = sqlx::query_scalar(AssertSqlSafe(wrong));
            let found: i64 = found.fetch_one(&self.database).await.unwrap();
            assert_eq!(found, 0, "{what}");
        }
    }

    /// Waits until each order has left its job, and fails if one has left two.
    pub(super) async fn audit_jobs(&self, redis: &str) {
        let expected: BTreeSet<_> = self.orders().await.values().map(|it| it.order).collect();
        let found = crate::support::eventually("every job to be pushed", || async {
            let found = confirmations(redis).await;
            (found.len() >= expected.len()).then_some(found)
        })
        .await;
        assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected);
        assert_eq!(found.len(), expected.len(), "a job was pushed twice");
    }
}

/// The orders that are waiting for their confirmation, by the jobs in the queue.
async fn confirmations(redis: &str) -> Vec<i64> {
    let client = redis::Client::open(redis).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut all = redis::cmd("LRANGE");
    let jobs: Vec<String> =
        all.arg("queue:default").arg(0).arg(-1).query_async(&mut connection).await.unwrap();
    let order = |job: &String| {
        let job: serde_json::Value = serde_json::from_str(job).unwrap();
        assert_eq!(job["class"], "OrderConfirmationWorker", "{job}");
        job["args"][0].as_i64().unwrap()
    };
    jobs.iter().map(order).collect()
}
