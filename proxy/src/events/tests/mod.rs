//! The producer against librdkafka's own mock of a cluster: its brokers fail as they are told, and
//! nothing is lost nor overtaken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use prometheus::Registry;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::{
    health::Health,
    outbox::{Aggregate, Event},
    producer::{Publisher, Refusal},
};
use crate::metrics::ProxyMetrics;

type Cluster = MockCluster<'static, DefaultProducerContext>;

const PARTITIONS: i32 = 4;

fn cluster() -> Cluster {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic("order", PARTITIONS, 3).unwrap();
    cluster
}

fn publisher(cluster: &Cluster, message_timeout: Duration) -> Publisher {
    let metrics = ProxyMetrics::register(&Registry::new()).unwrap();
    let health = Arc::new(Health::new(metrics.events().clone()));
    let brokers = cluster.bootstrap_servers().parse().unwrap();
    Publisher::new(&brokers, super::TopicPrefix::default(), message_timeout, health).unwrap()
}

/// `count` events of `aggregates` orders, in turn.
fn events(count: i64, aggregates: i64) -> Vec<Event> {
    let event = |id| Event {
        id,
        aggregate: Aggregate { class: "Order".to_owned(), id: id % aggregates },
        name: "order.placed".to_owned(),
        payload: Some(format!("{{\"n\":{id}}}").into_bytes()),
        created_at: "2026-01-02T03:04:05.000006Z".to_owned(),
    };
    (1..=count).map(event).collect()
}

/// The ids in the topic by key, in the order in which they are read, until all of `wanted` are there.
fn read(cluster: &Cluster, wanted: &BTreeSet<i64>) -> BTreeMap<String, Vec<i64>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "test");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset("order", partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&partitions).unwrap();
    let (mut found, mut seen) = (BTreeMap::<String, Vec<i64>>::new(), BTreeSet::new());
    let patience = Instant::now() + Duration::from_secs(30);
    while !wanted.is_subset(&seen) {
        assert!(Instant::now() < patience, "lost: {:?}", wanted.difference(&seen));
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        let (key, id) = (String::from_utf8_lossy(message.key().unwrap()), value["n"].as_i64());
        seen.insert(id.unwrap());
        found.entry(key.into_owned()).or_default().push(id.unwrap());
    }
    found
}

/// Fails where an aggregate's events are not in order, each looked at when it is first read.
fn assert_in_order(found: &BTreeMap<String, Vec<i64>>) {
    for (key, ids) in found {
        let mut seen = BTreeSet::new();
        let first: Vec<_> = ids.iter().filter(|it| seen.insert(**it)).collect();
        assert!(first.is_sorted(), "{key}: {ids:?}");
        assert!(ids.iter().all(|it| (it % 7).to_string() == *key), "{key}: {ids:?}");
    }
}

#[tokio::test]
async fn brokers_that_refuse_for_a_while_lose_and_reorder_nothing() {
    let cluster = cluster();
    let publisher = publisher(&cluster, Duration::from_secs(20));
    let not_leader = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    let timed_out = RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[not_leader, not_leader, timed_out, not_leader, timed_out],
    );
    let outcome = publisher.publish(events(140, 7), &|| true).await;
    assert!(outcome.failure.is_none() && outcome.refused.is_empty(), "{outcome:?}");
    let acknowledged: BTreeSet<_> = outcome.acknowledged.into_iter().collect();
    assert_eq!(acknowledged, (1..=140).collect());
    assert_in_order(&read(&cluster, &acknowledged));
}

#[tokio::test]
async fn a_broker_that_goes_and_comes_back_loses_and_reorders_nothing() {
    let cluster = cluster();
    for broker in 1..=3 {
        cluster.broker_down(broker).unwrap();
    }
    let publisher = publisher(&cluster, Duration::from_millis(500));
    let outcome = publisher.publish(events(70, 7), &|| true).await;
    assert!(outcome.failure.is_some() && outcome.acknowledged.is_empty(), "{outcome:?}");
    for broker in 1..=3 {
        cluster.broker_up(broker).unwrap();
        cluster.broker_round_trip_time(broker, Duration::from_millis(30)).unwrap();
    }
    // As the relay does: what was not acknowledged is sent again, from the first on.
    let mut left = events(70, 7);
    let patience = Instant::now() + Duration::from_secs(40);
    while !left.is_empty() {
        assert!(Instant::now() < patience, "{} are left", left.len());
        let outcome = publisher.publish(left.clone(), &|| true).await;
        left.retain(|it| !outcome.acknowledged.contains(&it.id));
    }
    assert_in_order(&read(&cluster, &(1..=70).collect()));
}

#[tokio::test]
async fn a_message_that_is_refused_is_not_overtaken_and_holds_nobody_else_back() {
    let cluster = cluster();
    let publisher = publisher(&cluster, Duration::from_secs(20));
    let mut events = events(21, 7);
    events[8].payload = Some(vec![b' '; 1_000_000]);
    events[9].payload = Some(b"\xff".to_vec());
    events[10].payload = None;
    let outcome = publisher.publish(events, &|| true).await;
    assert!(outcome.failure.is_none(), "{outcome:?}");
    let mut refused: Vec<_> = outcome.refused.iter().map(|it| (it.event.id, &it.why)).collect();
    refused.sort_by_key(|(id, _)| *id);
    assert!(matches!(
        refused[..],
        [(9, Refusal::Message(_)), (10, Refusal::NotText), (11, Refusal::TooLong)]
    ));
    let acknowledged: BTreeSet<_> = outcome.acknowledged.into_iter().collect();
    let waiting = [9, 10, 11, 16, 17, 18];
    assert_eq!(acknowledged, (1..=21).filter(|it| !waiting.contains(it)).collect());
}

#[tokio::test]
async fn a_batch_that_is_too_large_as_a_whole_refuses_none_of_its_messages() {
    let cluster = cluster();
    let publisher = publisher(&cluster, Duration::from_secs(20));
    let too_large = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    cluster.request_errors(RDKafkaApiKey::Produce, &[too_large]);
    let outcome = publisher.publish(events(7, 7), &|| true).await;
    assert!(outcome.refused.is_empty() && outcome.failure.is_none(), "{outcome:?}");
    assert_eq!(outcome.acknowledged.len(), 7);
}

#[tokio::test]
async fn nothing_more_is_sent_once_it_may_not_be() {
    let cluster = cluster();
    let publisher = publisher(&cluster, Duration::from_secs(20));
    let asked = std::cell::Cell::new(0);
    let may = || {
        asked.set(asked.get() + 1);
        asked.get() <= 10
    };
    let outcome = publisher.publish(events(70, 7), &may).await;
    assert_eq!(outcome.acknowledged.len(), 10, "{outcome:?}");
    assert!(outcome.failure.is_none());
}
