//! Kafka's side: events become messages, one at a time for each aggregate.
//!
//! The next event of an aggregate is sent when Kafka has acknowledged the one before. So neither a
//! message that times out nor one that is refused can be overtaken by the next of its aggregate,
//! which an idempotent producer alone does not promise: there a message may fail and its successor
//! arrive. Idempotence keeps the producer's own retries from doubling or reordering messages, and
//! fences what is still on its way when a message is given up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _, PurgeConfig},
};

use super::{
    health::Health,
    outbox::{Aggregate, Event},
    topic::{Brokers, TopicPrefix},
};

/// How long one message is tried. Kafka's brokers change leaders within this.
pub(super) const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// What became of a batch. What is in none of the three was not sent, or not to the end.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Kafka has these events.
    pub(super) acknowledged: Vec<i64>,
    /// Kafka refuses these, and will do so again.
    pub(super) refused: Vec<Refused>,
    /// Why the rest must be tried again: the first reason.
    pub(super) failure: Option<KafkaError>,
}

/// An event that Kafka refuses.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) event: Event,
    pub(super) why: Refusal,
}

/// Why it does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The message is too large, or not as the topic wants it.
    #[error("the message is refused")]
    Message(#[source] KafkaError),
    /// The payload is longer than any message may be.
    #[error("the payload has more than 1000000 bytes")]
    TooLong,
    /// What is promised to be JSON cannot be.
    #[error("the payload is not UTF-8")]
    NotText,
    /// There is no such topic, or we may not write to it.
    #[error("the topic is refused; does it exist, and may this client write to it?")]
    Topic(#[source] KafkaError),
    /// Kafka has no such names.
    #[error("the class of the aggregate makes no name of a topic")]
    NoTopic,
}

impl Refusal {
    /// Whether all events of the class would be refused.
    pub(super) const fn is_of_class(&self) -> bool {
        matches!(self, Self::Topic(_) | Self::NoTopic)
    }
}

/// What a failure to send says.
enum Verdict {
    Refused(Refusal),
    Failed(KafkaError),
}

/// Sends events. Dropping it gives up what is on its way.
pub(super) struct Publisher {
    producer: FutureProducer<Context>,
    prefix: TopicPrefix,
    health: Arc<Health>,
}

impl Publisher {
    /// Connects by itself, whenever it can.
    pub(super) fn new(
        brokers: &Brokers,
        prefix: TopicPrefix,
        message_timeout: Duration,
        health: Arc<Health>,
    ) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config
            .set("acks", "all")
            .set("bootstrap.servers", brokers.as_str())
            .set("client.id", "banyan")
            .set("enable.idempotence", "true")
            // Each aggregate waits for an acknowledgement after each message.
            .set("linger.ms", "1")
            .set("message.max.bytes", super::outbox::MAX_PAYLOAD.to_string())
            .set("message.timeout.ms", message_timeout.as_millis().to_string())
            // As Java's producers do it, so that a key is in one partition whoever writes it.
            .set("partitioner", "murmur2_random")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true");
        let producer = config.create_with_context(Context(Arc::clone(&health)))?;
        Ok(Self { producer, prefix, health })
    }

    /// Publishes a batch, and returns when everything that was sent is settled. Nothing more is sent
    /// from the moment on at which it `may` no longer be.
    pub(super) async fn publish(&self, events: Vec<Event>, may: &dyn Fn() -> bool) -> Outcome {
        let mut outcome = Outcome::default();
        let mut chains = FuturesUnordered::new();
        for mut chain in by_aggregate(events) {
            // By the ids of the first events, before anything is waited for.
            let first = chain.next().filter(|_| may()).map(|event| (self.send(&event), event));
            chains.push(self.send_chain(first, chain, may));
        }
        while let Some(chain) = chains.next().await {
            outcome.acknowledged.extend(chain.acknowledged);
            outcome.refused.extend(chain.refused);
            outcome.failure = outcome.failure.or(chain.failure);
        }
        self.judge_again(&mut outcome, may).await;
        outcome
    }

    /// Sends the events of one aggregate, the next after the last was acknowledged.
    async fn send_chain(
        &self,
        first: Option<(Result<DeliveryFuture, Verdict>, Event)>,
        mut rest: impl Iterator<Item = Event>,
        may: &dyn Fn() -> bool,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let mut next = first;
        while let Some((sent, event)) = next {
            match settled(sent).await {
                Ok(()) => {
                    self.health.kafka_works();
                    outcome.acknowledged.push(event.id);
                }
                Err(Verdict::Refused(why)) => {
                    outcome.refused.push(Refused { event, why });
                    break;
                }
                Err(Verdict::Failed(error)) => {
                    outcome.failure = Some(error);
                    break;
                }
            }
            next = rest.next().filter(|_| may()).map(|event| (self.send(&event), event));
        }
        outcome
    }

    /// A message that is refused may have been in a batch of messages that was too large as a whole:
    /// each is tried once more, alone.
    async fn judge_again(&self, outcome: &mut Outcome, may: &dyn Fn() -> bool) {
        let refused = std::mem::take(&mut outcome.refused);
        for Refused { event, why } in refused {
            if !matches!(why, Refusal::Message(_)) || !may() {
                outcome.refused.push(Refused { event, why });
                continue;
            }
            match settled(self.send(&event)).await {
                Ok(()) => outcome.acknowledged.push(event.id),
                Err(Verdict::Refused(why)) => outcome.refused.push(Refused { event, why }),
                Err(Verdict::Failed(error)) => outcome.failure = Some(error),
            }
        }
    }

    fn send(&self, event: &Event) -> Result<DeliveryFuture, Verdict> {
        let refused = |why| Err(Verdict::Refused(why));
        let Some(payload) = &event.payload else { return refused(Refusal::TooLong) };
        if std::str::from_utf8(payload).is_err() {
            return refused(Refusal::NotText);
        }
        let Some(topic) = self.prefix.topic(&event.aggregate.class) else {
            return refused(Refusal::NoTopic);
        };
        let key = event.aggregate.id.to_string();
        let record = FutureRecord::to(&topic).key(&key).payload(payload).headers(headers(event));
        self.producer.send_result(record).map_err(|(error, _)| verdict(error))
    }

    /// Gives up what is on its way; its outcome is a failure.
    pub(super) fn give_up(&self) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
    }

    /// Whether it can never send anything again.
    pub(super) fn is_broken(&self) -> bool {
        self.producer.client().fatal_error().is_some()
    }
}

/// The events of each aggregate in their order; the aggregates in the order of their first.
fn by_aggregate(events: Vec<Event>) -> Vec<std::vec::IntoIter<Event>> {
    let mut places: HashMap<Aggregate, usize> = HashMap::new();
    let mut chains: Vec<Vec<Event>> = Vec::new();
    for event in events {
        let place = *places.entry(event.aggregate.clone()).or_insert(chains.len());
        match chains.get_mut(place) {
            Some(chain) => chain.push(event),
            None => chains.push(vec![event]),
        }
    }
    chains.into_iter().map(Vec::into_iter).collect()
}

/// The row's columns, for those who would rather not read the payload.
fn headers(event: &Event) -> OwnedHeaders {
    let id = event.id.to_string();
    [
        ("id", &id),
        ("name", &event.name),
        ("aggregate_type", &event.aggregate.class),
        ("created_at", &event.created_at),
    ]
    .into_iter()
    .fold(OwnedHeaders::new_with_capacity(4), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}

async fn settled(sent: Result<DeliveryFuture, Verdict>) -> Result<(), Verdict> {
    match sent?.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(verdict(error)),
        Err(_) => Err(Verdict::Failed(KafkaError::Canceled)),
    }
}

/// Whether to try again is not enough: the message, its topic, or Kafka as a whole may be at fault.
fn verdict(error: KafkaError) -> Verdict {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidRecord) => {
            Verdict::Refused(Refusal::Message(error))
        }
        Some(
            Code::InvalidTopic
            | Code::PolicyViolation
            | Code::TopicAuthorizationFailed
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition,
        ) => Verdict::Refused(Refusal::Topic(error)),
        _ => Verdict::Failed(error),
    }
}

/// Hears what librdkafka says of itself.
struct Context(Arc<Health>);

impl ClientContext for Context {
    /// Every lost connection is a line: what matters of them is told once, by [`Health`].
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "kafka", ?level, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "kafka", %error, "{reason}");
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.0.kafka_failed(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64, class: &str, aggregate: i64) -> Event {
        Event {
            id,
            aggregate: Aggregate { class: class.to_owned(), id: aggregate },
            name: "happened".to_owned(),
            payload: Some(b"{}".to_vec()),
            created_at: "2026-01-02T03:04:05.000006Z".to_owned(),
        }
    }

    #[test]
    fn each_aggregate_has_a_chain_of_its_own_in_the_order_of_the_ids() {
        let events = vec![
            event(1, "Order", 7),
            event(2, "Return", 7),
            event(4, "Order", 7),
            event(5, "Order", 8),
            event(9, "Return", 7),
        ];
        let chains = by_aggregate(events);
        let ids: Vec<Vec<i64>> =
            chains.into_iter().map(|chain| chain.map(|it| it.id).collect()).collect();
        assert_eq!(ids, [vec![1, 4], vec![2, 9], vec![5]]);
    }

    #[test]
    fn a_fault_of_the_message_or_its_topic_is_not_one_of_kafka() {
        use RDKafkaErrorCode as Code;
        let refusal = |code| match verdict(KafkaError::MessageProduction(code)) {
            Verdict::Refused(why) => Some(why.is_of_class()),
            Verdict::Failed(_) => None,
        };
        assert_eq!(refusal(Code::MessageSizeTooLarge), Some(false));
        assert_eq!(refusal(Code::TopicAuthorizationFailed), Some(true));
        for code in [Code::MessageTimedOut, Code::QueueFull, Code::NotLeaderForPartition] {
            assert_eq!(refusal(code), None, "{code}");
        }
    }
}
