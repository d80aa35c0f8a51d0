//! What is scraped.

use super::*;

/// The value of the series whose line, up to the value, is `series`.
fn value(registry: &Registry, series: &str) -> Option<String> {
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{series} ")))?;
    line.rsplit(' ').next().map(str::to_owned)
}

fn shown(registry: &Registry, name: &str, server: usize) -> Option<String> {
    let server = format!("http://server-{server}.test:3000");
    value(registry, &format!(r#"banyan_upstream_{name}{{server="{server}",upstream="shop"}}"#))
}

fn of_upstream(registry: &Registry, name: &str) -> Option<String> {
    value(registry, &format!(r#"banyan_upstream_{name}{{upstream="shop"}}"#))
}

#[tokio::test]
async fn what_happens_is_scraped() {
    let registry = Registry::new();
    let metrics = UpstreamMetrics::register(&registry).unwrap();
    let brief = Duration::from_millis(1);
    let small = Settings { queue: 1, queue_timeout: brief, ..limited(2, 1) };
    let upstream = Upstream::new("shop", small, None, &metrics);
    eject(&upstream, 0);
    assert_eq!(shown(&registry, "server_up", 0).unwrap(), "0");
    assert_eq!(shown(&registry, "server_up", 1).unwrap(), "1");
    assert_eq!(shown(&registry, "ejections_total", 0).unwrap(), "1");
    assert_eq!(shown(&registry, "ejections_total", 1).unwrap(), "0");
    assert_eq!(of_upstream(&registry, "panic_mode").unwrap(), "0");

    let held = now(&upstream);
    assert_eq!(shown(&registry, "in_flight", 1).unwrap(), "1");
    let mut waiting = Box::pin(upstream.acquire(None));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    assert_eq!(of_upstream(&registry, "queue_depth").unwrap(), "1");
    upstream.acquire(None).await.unwrap_err();
    waiting.await.unwrap_err();
    assert_eq!(of_upstream(&registry, "queue_depth").unwrap(), "0");
    assert_eq!(of_upstream(&registry, "queue_full_total").unwrap(), "1");
    assert_eq!(of_upstream(&registry, "queue_timeouts_total").unwrap(), "1");
    drop(held);
    assert_eq!(shown(&registry, "in_flight", 1).unwrap(), "0");
}

#[test]
fn retries_are_counted_by_what_the_budget_said() {
    let registry = Registry::new();
    let metrics = UpstreamMetrics::register(&registry).unwrap();
    let retry_budget = RetryBudget { percent: 50, min_per_second: 0 };
    let settings = Settings { retry_budget, ..settings(1) };
    let upstream = Upstream::new("shop", settings, None, &metrics);
    assert!(!upstream.may_retry());
    drop([now(&upstream), now(&upstream)]);
    assert!(upstream.may_retry());
    assert!(!upstream.may_retry());
    let of = |result| {
        let labels = format!(r#"{{result="{result}",upstream="shop"}}"#);
        value(&registry, &format!("banyan_upstream_retries_total{labels}")).unwrap()
    };
    assert_eq!((of("allowed"), of("denied")), ("1".to_owned(), "2".to_owned()));
}

#[test]
fn the_series_of_what_left_the_table_end() {
    let registry = Registry::new();
    let metrics = UpstreamMetrics::register(&registry).unwrap();
    let before = Upstream::new("shop", settings(2), None, &metrics);
    eject(&before, 0);
    let rejected = Upstream::new("shop", settings(3), Some(&before), &metrics);
    assert!(shown(&registry, "server_up", 2).is_some());
    drop(rejected);
    assert_eq!(shown(&registry, "server_up", 2), None);

    // A long answer may keep the older version.
    let after = Upstream::new("shop", settings(1), Some(&before), &metrics);
    assert_eq!(shown(&registry, "ejections_total", 0).unwrap(), "1");
    assert_eq!(shown(&registry, "server_up", 1), None);
    drop((before, after));
    assert_eq!(of_upstream(&registry, "queue_depth"), None);
}
