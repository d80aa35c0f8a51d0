//! A product that has everything in which a mistake can be made.

use sqlx::{Connection as _, MySqlConnection};
use tokio::sync::OnceCell;

use crate::support::quiet_shop;

const DETAILS: &str = concat!(
    r#"{"zero":0,"tenth":0.1,"ratio":1000.0,"serial":12345678901234567890,"amount":"1.234,56","#,
    r#""at":"2026-11-29T12:00:00.123Z","town":"Åre","text":"a/b <c>","entity":"fish &amp; chips","#,
    r#""list":[1,2,3,4],"care":[],"nothing":null,"washable":false}"#
);

/// Its id. It is made once, of a product of the quiet shop's; whoever compares products of that shop
/// waits for it, since one that changes between two answers is a difference.
pub(super) async fn specimen() -> u64 {
    static MADE: OnceCell<u64> = OnceCell::const_new();
    *MADE.get_or_init(make).await
}

async fn make() -> u64 {
    let url = quiet_shop().await.database_url;
    let mut shop = MySqlConnection::connect(&url).await.unwrap();
    // Products stand beside others of their category, those before it beside this one: far enough
    // from those that other tests compare.
    let id: u64 = sqlx::query_scalar(
        "SELECT CAST(products.id AS UNSIGNED) FROM products JOIN variants ON product_id = products.id \
         WHERE products.id BETWEEN 1000 AND 1900 AND deleted_at IS NULL \
         GROUP BY products.id HAVING COUNT(*) = 2 ORDER BY products.id LIMIT 1",
    )
    .fetch_one(&mut shop)
    .await
    .unwrap();
    sqlx::query(
        "UPDATE products SET subtitle = '', price = 19.90, currency = 'EUR', tags = ?, details = ?, \
         description = '<b>Fresh</b> fish & chips' WHERE id = ?",
    )
    .bind(r#"["sale","new","eco"]"#)
    .bind(DETAILS)
    .bind(id)
    .execute(&mut shop)
    .await
    .unwrap();
    let stocks = "UPDATE variants SET stock = IF(position = 1, 87, 0) WHERE product_id = ?";
    sqlx::query(stocks).bind(id).execute(&mut shop).await.unwrap();
    id
}
