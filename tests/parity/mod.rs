//! Parity: over a matrix of states and bad inputs, what Rust answers equals what Rails answers.
//!
//! One file for each extraction, at `parity/<capability>/<action>.rs`.

mod catalog;

use reqwest::{Client, Method, Response, header};
use serde_json::Value;

use crate::support::{metric, proxy, quiet_shop};

/// One answer, without what differs between any two requests.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Header fields that Rails gives each answer anew, that depend on such a body, or that belong to
/// the connection.
const PER_REQUEST: [&str; 8] = [
    "content-length",
    "date",
    "etag",
    "set-cookie",
    "transfer-encoding",
    "x-request-id",
    "x-runtime",
    "connection",
];

/// Sends every request to Rails and to the extraction, and compares the answers; `quieten` removes
/// from a document what may differ.
///
/// Each request must really have been answered by the extraction, unless it is in `declined`.
async fn assert_parity(id: &str, paths: &[String], declined: &[&str], quieten: fn(&mut Value)) {
    let route = id;
    let pattern = if id == "catalog.list" { "/api/products" } else { "/api/products/{id}" };
    let routes = format!(
        "[[route]]\nid = \"{id}\"\nmatch = {{ method = \"GET\", path = \"{pattern}\" }}\n\
         stage = \"extracted\"\nsample = \"0%\"\n"
    );
    let (proxy, client) =
        (proxy(quiet_shop().await, routes, extracted::all()).await, Client::new());
    let mut asked = 0.0;
    for path in paths.iter().map(String::as_str).chain(declined.iter().copied()) {
        for method in [Method::GET, Method::HEAD] {
            let mut answers = Vec::new();
            for base in [quiet_shop().await.url, proxy.url()] {
                let request = client.request(method.clone(), format!("{base}{path}"));
                let response = request.header(header::HOST, "shop.test").send().await.unwrap();
                answers.push(Answer::of(response, quieten).await);
            }
            assert_eq!(answers[1], answers[0], "{method} {path}: left is Rust, right is Rails");
            asked += 1.0;
        }
    }
    let mut by_rust = 0.0;
    for class in ["2xx", "3xx", "4xx"] {
        let labels = format!("{{route=\"{route}\",side=\"extraction\",status=\"{class}\"}}");
        by_rust += metric(&proxy, &format!("banyan_requests_total{labels}")).await;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let expected = asked - 2.0 * declined.len() as f64;
    assert!((by_rust - expected).abs() < f64::EPSILON, "Rust answered {by_rust} of {expected}");
    proxy.stop().await;
}

impl Answer {
    async fn of(response: Response, quieten: fn(&mut Value)) -> Self {
        let status = response.status().as_u16();
        let shown = |it: (&header::HeaderName, &header::HeaderValue)| {
            (it.0.to_string(), it.1.to_str().unwrap_or("not text").to_owned())
        };
        let fields = response.headers().iter().filter(|it| !PER_REQUEST.contains(&it.0.as_str()));
        let mut headers: Vec<_> = fields.map(shown).collect();
        headers.sort();
        let mut body = response.text().await.unwrap();
        if let Ok(mut document) = serde_json::from_str(&body) {
            quieten(&mut document);
            // The order of the keys stays that of the text, and is compared.
            body = serde_json::to_string(&document).unwrap();
        }
        Self { status, headers, body }
    }
}

/// Replaces a member that may differ by its type, so that its presence and type are compared still.
fn quiet(document: &mut Value, key: &str) {
    if let Some(member) = document.get_mut(key) {
        *member = Value::from(match member {
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            _ => "something else",
        });
    }
}

/// Sorts a list whose order may differ.
fn sort(document: &mut Value, key: &str) {
    if let Some(list) = document.get_mut(key).and_then(Value::as_array_mut) {
        list.sort_by_key(Value::to_string);
    }
}
