//! What the shop does to itself is told from what an extraction does, by asking it twice.

use std::ops::Range;

use shadow::Unknown;
use toml::{Table, Value};

use crate::support::{differences, judged, proxy, quiet_shop, routes};

/// The demo's table, in which nothing excuses the count of a product's views any more, but `noise`.
fn asking_twice(noise: &str) -> String {
    let mut table: Table = routes().parse().unwrap();
    for route in table["route"].as_array_mut().unwrap() {
        if route["id"].as_str() != Some("catalog.show") {
            continue;
        }
        let route = route.as_table_mut().unwrap();
        route.insert("stage".to_owned(), "shadow".into());
        route.insert("noise".to_owned(), noise.into());
        let rules = route["tolerate"].as_array_mut().unwrap();
        rules.retain(|it| it.get("at").and_then(Value::as_str) != Some("$.views"));
    }
    table.to_string()
}

/// Products that no other test looks at in that shop: a view between two answers would be another's.
pub(crate) const COUNTED: Range<u32> = 2_300..2_310;

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_moves_with_every_answer_is_noise_only_where_the_shop_is_asked_twice() {
    // Elsewhere it is a race: the shop has counted before the candidate looks.
    for noise in ["100%", "0%"] {
        let proxy = proxy(quiet_shop().await, asking_twice(noise), extracted::all()).await;
        for id in COUNTED {
            let url = format!("{}/api/products/{id}", proxy.url());
            reqwest::get(url).await.unwrap().bytes().await.unwrap();
        }
        let report = judged(&proxy, "catalog.show", 10).await;
        let raced = report.unknowns.get(&Unknown::Raced).copied().unwrap_or_default();
        let found = differences(&proxy, "catalog.show").await;
        // Of products that are not there nothing moves.
        let moved = 10 - report.matched - report.ignored;
        assert!(moved > 5, "{report:?}");
        let expected = if noise == "100%" { (moved, 0) } else { (0, moved) };
        assert_eq!((report.noise, raced), expected, "{noise}: {found:?}");
        assert_eq!(report.mismatched, 0, "{noise}: {found:?}");
        proxy.stop().await;
    }
}
