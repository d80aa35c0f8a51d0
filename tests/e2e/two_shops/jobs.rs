//! The jobs that wait in Redis: nobody works on them, so each step's are all that are there.

use redis::aio::MultiplexedConnection;
use serde_json::Value;

use super::times::Window;

/// Members of a payload that are random: so many hexadecimal digits, dashes aside.
const RANDOM: [(&str, usize); 2] = [("jid", 24), ("job_id", 32)];
/// Members that say when, in seconds.
const WHEN: [&str; 2] = ["created_at", "enqueued_at"];

/// Each job with where it waits, in the order of a queue.
pub(super) type Jobs = Vec<(String, String)>;

/// Takes all jobs away.
pub(super) async fn take(redis: &mut MultiplexedConnection) -> Jobs {
    let found = list(redis).await;
    let keys: Vec<String> = keys(redis).await;
    if !keys.is_empty() {
        let () = redis::cmd("DEL").arg(&keys).query_async(redis).await.unwrap();
    }
    found
}

/// The queues, and the sets of what is to be done later.
async fn keys(redis: &mut MultiplexedConnection) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("queue:*").query_async(redis).await.unwrap();
    keys.extend(["dead", "retry", "schedule"].map(str::to_owned));
    keys.sort();
    keys
}

/// The jobs that wait.
async fn list(redis: &mut MultiplexedConnection) -> Jobs {
    let mut jobs = Vec::new();
    for key in keys(redis).await {
        let in_queue = key.starts_with("queue:");
        let mut command = redis::cmd(if in_queue { "LRANGE" } else { "ZRANGE" });
        command.arg(&key).arg(0).arg(-1);
        let all: Vec<String> = command.query_async(redis).await.unwrap();
        // The oldest of a queue is its last.
        let ordered: Vec<_> = if in_queue { all.into_iter().rev().collect() } else { all };
        jobs.extend(ordered.into_iter().map(|it| (key.clone(), it)));
    }
    jobs
}

/// The queues that Sidekiq's own pages would list.
pub(super) async fn queues(redis: &mut MultiplexedConnection) -> String {
    let mut names: Vec<String> =
        redis::cmd("SMEMBERS").arg("queues").query_async(redis).await.unwrap();
    names.sort();
    format!("queues: {}\n", names.join(" "))
}

/// Jobs as a text.
pub(super) fn shown(jobs: &Jobs, window: &Window) -> String {
    let mut shown = String::new();
    for (place, payload) in jobs {
        let payload = match serde_json::from_str(payload) {
            Ok(mut document) => {
                mask(&mut document, window);
                serde_json::to_string_pretty(&document).unwrap()
            }
            Err(_) => payload.clone(),
        };
        shown.extend([place, " ", &payload, "\n"]);
    }
    window.masked(&shown)
}

/// Names what is random or of now, wherever it is and as long as it has its shape.
fn mask(document: &mut Value, window: &Window) {
    match document {
        Value::Array(list) => list.iter_mut().for_each(|it| mask(it, window)),
        Value::Object(members) => {
            for (key, value) in members {
                if let Some(name) = name(key, value, window) {
                    *value = name.into();
                }
                mask(value, window);
            }
        }
        _ => {}
    }
}

fn name(key: &str, value: &Value, window: &Window) -> Option<String> {
    if let Some((_, length)) = RANDOM.iter().find(|(it, _)| *it == key) {
        let text = value.as_str()?;
        let digits = text.bytes().filter(|it| *it != b'-').count();
        let is_digit = |it: u8| it == b'-' || (it.is_ascii_hexdigit() && !it.is_ascii_uppercase());
        let dashes = text.len() - digits;
        let fits = digits == *length && text.bytes().all(is_digit);
        return fits.then(|| format!("<{length} digits, {dashes} dashes>"));
    }
    let seconds = WHEN.contains(&key).then(|| value.as_f64()).flatten()?;
    window.seconds(seconds).map(|it| format!("<{it}, in seconds>"))
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn only_ids_and_times_of_a_payload_may_differ() {
        let now = OffsetDateTime::now_utc();
        let window = Window { since: now, from: now, to: now };
        let seconds = now.unix_timestamp_nanos() / 1000;
        let seconds = format!("{}.{:06}", seconds / 1_000_000, seconds % 1_000_000);
        let text = |jid: &str, rest: &str| {
            let payload = format!(r#"{{"jid":"{jid}","created_at":{seconds},{rest}}}"#);
            shown(&vec![("queue:default".to_owned(), payload)], &window)
        };
        let right = text("0123456789abcdef01234567", r#""class":"A","args":[1]"#);
        assert_eq!(right, text("76543210fedcba9876543210", r#""class":"A","args":[1]"#));
        for (wrong, why) in [
            (text("0123456789abcdef01234567", r#""class":"A","args":[2]"#), "another argument"),
            (text("0123456789abcdef01234567", r#""class":"A","args":["1"]"#), "another type"),
            (text("0123456789abcdef01234567", r#""args":[1],"class":"A""#), "another order"),
            (text("0123456789ABCDEF01234567", r#""class":"A","args":[1]"#), "capital letters"),
            (text("0123", r#""class":"A","args":[1]"#), "a short id"),
            (right.replace("in seconds", "in days"), "another time"),
        ] {
            assert_ne!(right, wrong, "{why}");
        }
        assert!(right.contains("<now, in seconds>"), "{right}");
    }
}
