//! For how long a route was watched, on each database.

use std::time::SystemTime;

use crate::{
    bench::{Place, Process, report},
    on_each_store,
    servers::{connect, execute},
};
use sqlx::{Connection as _, Row as _};

const ROUTE: &str = "catalog.show";

on_each_store! { times_add_up_and_what_lies_between_them_does_not }

async fn times_add_up_and_what_lies_between_them_does_not(place: Place) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let process = Process::new(&place.url).await;
    for (first, last, sealed) in [(600, 540, 0), (570, 510, 1), (30, 20, 0)] {
        let [first, last] = [first, last].map(|minutes: u128| now - minutes * 60_000);
        let statement =
            format!("INSERT INTO intervals VALUES ('{ROUTE}', {first}, {last}, {sealed})");
        execute(&place.url, &statement).await;
    }
    process.offer(ROUTE, "/1", ["1", "1"]);
    process.until_stored(ROUTE, 1).await;
    process.offer(ROUTE, "/2", ["1", "1"]);
    let store = process.end().await;

    let why = report(&store, ROUTE).await.verdict.why;
    assert!(why.contains("watched for 2 h of 1 d"), "{why}");
    let mut connection = connect(&place.url).await;
    let rows = sqlx::query("SELECT COUNT(*) FROM intervals").fetch_one(&mut connection).await;
    assert_eq!(rows.unwrap().get::<i64, _>(0), 3, "the newest goes on");
    connection.close().await.unwrap();
}
