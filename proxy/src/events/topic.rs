//! Where events go: Kafka's brokers, and which topic an aggregate's events are in.
//!
//! Source: activesupport 6.1, `inflector/methods.rb` (`underscore`); Kafka,
//! `org.apache.kafka.common.internals.Topic` (names that are legal).

use std::str::FromStr;

/// The longest name of a topic.
const MAX_LENGTH: usize = 249;

/// `--kafka`: `HOST[:PORT]`, several separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brokers(String);

impl Brokers {
    /// As librdkafka reads them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Brokers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for broker in text.split(',') {
            let (host, port) = broker.rsplit_once(':').unwrap_or((broker, "9092"));
            let named = !host.is_empty() && !broker.contains([' ', '/']);
            if !named || port.parse::<u16>().is_err() {
                return Err(format!("{broker:?} must be HOST:PORT, several separated by commas"));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

/// `--kafka-topic-prefix`: what each topic's name begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicPrefix(String);

impl FromStr for TopicPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() < MAX_LENGTH && text.chars().all(is_legal) {
            return Ok(Self(text.to_owned()));
        }
        Err("may have ASCII letters, digits, `.`, `_` and `-`, and fewer than 249 of them".into())
    }
}

impl TopicPrefix {
    /// The topic of a class of aggregates: the prefix, then the class in `snake_case`, its modules
    /// with a dot behind them. `Order` goes to `order`, `Billing::LineItem` to `billing.line_item`.
    ///
    /// `None` where Kafka knows no such name.
    pub(super) fn topic(&self, class: &str) -> Option<String> {
        let mut topic = self.0.clone();
        let class = class.replace("::", ".");
        let letters: Vec<char> = class.chars().collect();
        for (place, letter) in letters.iter().enumerate() {
            let before = place.checked_sub(1).map(|it| letters[it]);
            let after = letters.get(place + 1);
            let word = before.is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
                || before.is_some_and(|it| it.is_ascii_uppercase())
                    && after.is_some_and(char::is_ascii_lowercase);
            if letter.is_ascii_uppercase() && word {
                topic.push('_');
            }
            topic.push(letter.to_ascii_lowercase());
        }
        let named = !class.is_empty() && topic != "." && topic != "..";
        (named && topic.len() <= MAX_LENGTH && topic.chars().all(is_legal)).then_some(topic)
    }
}

fn is_legal(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_names_its_topic() {
        let prefix: TopicPrefix = "shop.".parse().unwrap();
        for (class, topic) in [
            ("Order", "shop.order"),
            ("ReturnLine", "shop.return_line"),
            ("Billing::LineItem", "shop.billing.line_item"),
            ("APIKey", "shop.api_key"),
            ("Sha256Sum", "shop.sha256_sum"),
            ("order", "shop.order"),
        ] {
            assert_eq!(prefix.topic(class).as_deref(), Some(topic), "{class}");
        }
        assert_eq!(TopicPrefix::default().topic("Order").as_deref(), Some("order"));
    }

    #[test]
    fn what_kafka_could_not_name_has_no_topic() {
        let prefix = TopicPrefix::default();
        for class in ["", ".", "..", "Bestellung für", "an order", &"a".repeat(250)] {
            assert_eq!(prefix.topic(class), None, "{class}");
        }
        assert!(prefix.topic(&"a".repeat(249)).is_some());
    }

    #[test]
    fn brokers_and_prefixes_are_checked_when_they_are_read() {
        for good in ["kafka", "kafka:9092", "10.0.0.1:1,10.0.0.2:2", "[::1]:9092"] {
            assert_eq!(good.parse::<Brokers>().unwrap().as_str(), good);
        }
        for bad in ["", "kafka:", ":9092", "kafka:x", "a:1,,b:2", "a:1, b:2", "kafka://a:1"] {
            assert!(bad.parse::<Brokers>().unwrap_err().contains("HOST:PORT"), "{bad}");
        }
        assert!("shop/".parse::<TopicPrefix>().is_err());
        assert!("a".repeat(249).parse::<TopicPrefix>().is_err());
    }
}
