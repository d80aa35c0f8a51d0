//! What differs between two equal JSON documents of the shop; all else is compared byte for byte.

use serde_json::{Map, Value, value::RawValue};

use super::times::Window;

/// The list that the shop shuffles.
const SHUFFLED: &str = "\"related\":";
/// A member that grows by itself.
const AGE: &str = "\"age_seconds\":";

/// The text with its shuffled list in a fixed order, and its right ages named.
pub(super) fn masked(text: &str, window: &Window) -> String {
    named_ages(&sorted(text), window)
}

fn sorted(text: &str) -> String {
    let Some((before, rest)) = text.split_once(SHUFFLED) else { return text.to_owned() };
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Vec<Box<RawValue>>>();
    let Some(Ok(list)) = values.next() else { return text.to_owned() };
    let mut list: Vec<_> = list.iter().map(|it| it.get()).collect();
    list.sort_unstable();
    format!("{before}{SHUFFLED}[{}]{}", list.join(","), &rest[values.byte_offset()..])
}

/// An age is right when it is that of the time which stands beside it.
fn named_ages(text: &str, window: &Window) -> String {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let mut ages = Vec::new();
    collect_ages(&document, window, &mut ages);
    let mut parts = text.split(AGE);
    let mut named = parts.next().unwrap_or_default().to_owned();
    let mut ages = ages.into_iter();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let is_right = ages.next().unwrap_or(false);
        named.push_str(AGE);
        named.push_str(if is_right { "<age>" } else { &part[..digits] });
        named.push_str(&part[digits..]);
    }
    named
}

/// Whether each age is right, in the order of the text.
fn collect_ages(document: &Value, window: &Window, ages: &mut Vec<bool>) {
    match document {
        Value::Array(list) => list.iter().for_each(|it| collect_ages(it, window, ages)),
        Value::Object(members) => {
            for (key, value) in members {
                if key == "age_seconds" {
                    ages.push(is_right(value, members, window));
                }
                collect_ages(value, window, ages);
            }
        }
        _ => {}
    }
}

fn is_right(age: &Value, members: &Map<String, Value>, window: &Window) -> bool {
    let since = ["created_at", "listed_at"].iter().find_map(|it| members.get(*it)?.as_str());
    let (Some(since), Some(age)) = (since, age.as_i64()) else { return false };
    window.is_age(since, age)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn only_the_shuffled_list_and_right_ages_may_differ() {
        let from = datetime!(2026-01-01 00:01:00 UTC);
        let window = Window { since: from, from, to: from };
        let masked = |text: &str| masked(text, &window);
        assert_eq!(
            masked(r#"{"related":[{"b":1},{"a":"x,y"}],"z":1}"#),
            r#"{"related":[{"a":"x,y"},{"b":1}],"z":1}"#
        );
        let aged =
            |age| format!(r#"{{"created_at":"2026-01-01T00:00:00.000Z","age_seconds":{age}}}"#);
        assert!(masked(&aged(60)).contains("<age>"));
        assert!(masked(&aged(70)).contains(":70}"));
        assert_eq!(masked(r#"{"variants":[2,1]}"#), r#"{"variants":[2,1]}"#);
    }
}
