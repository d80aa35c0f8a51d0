//! Mistakes in answers that are compared offline, as they were recorded: what a GET of the shop's does
//! not have.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Client;
use serde_json::{Value, json};
use shadow::{
    Class::{self, Cosmetic, Critical},
    DifferenceKind::{self, Changed, Extra, Missing, Retyped},
    Observation,
    compare::{Answers, Pair, Rules},
};
use time::macros::datetime;

use crate::support::quiet_shop;

/// A mistake in a recorded body.
struct Slip {
    /// Both sides have this in place of what the shop says: what it has no example of.
    both: (&'static str, &'static str),
    from: &'static str,
    to: &'static str,
    found: &'static [(&'static str, DifferenceKind, Class)],
}

const NO_CHANGE: (&str, &str) = ("", "");

const ERRORS: &str = "{ product(id: 12) { id nope } products { nope } cart { total } }";

/// In the answer to [`ERRORS`], which graphql-ruby refuses whole, and as a resolver would write it.
const GRAPHQL: &[Slip] = &[
    Slip {
        both: NO_CHANGE,
        from: r#""path":["query","product","nope"]"#,
        to: r#""path":["query","product"]"#,
        found: &[("$.errors[*].path[*]", Missing, Critical)],
    },
    Slip {
        both: NO_CHANGE,
        from: r#""code":"undefinedField""#,
        to: r#""code":"UNDEFINED_FIELD""#,
        found: &[("$.errors[*].extensions.code", Changed, Critical)],
    },
    Slip {
        both: NO_CHANGE,
        from: "Field 'nope' doesn't exist",
        to: "There is no field 'nope'",
        found: &[("$.errors[*].message", Changed, Cosmetic)],
    },
    Slip {
        both: NO_CHANGE,
        from: "{\"errors\":",
        to: "{\"data\":null,\"errors\":",
        found: &[("$.data", Extra, Critical)],
    },
    Slip {
        both: NO_CHANGE,
        from: "{\"errors\":[",
        to: "{\"errors\":[{\"message\":\"Retry\"},",
        found: &[("$.errors[*]", Extra, Critical)],
    },
    Slip {
        both: ("{\"errors\":", "{\"data\":{\"product\":null},\"errors\":"),
        from: "{\"product\":null}",
        to: "null",
        found: &[("$.data", Retyped, Critical)],
    },
];

const CSV: &[Slip] = &[
    Slip { both: NO_CHANGE, from: ",EUR,", to: ",\"EUR\",", found: &[] },
    Slip {
        both: NO_CHANGE,
        from: ",EUR,",
        to: ",USD,",
        found: &[("body[*][*]", Changed, Critical)],
    },
    Slip { both: NO_CHANGE, from: "\n", to: "\r\n", found: &[] },
    Slip { both: NO_CHANGE, from: "\n", to: "\n\n", found: &[("body[*]", Extra, Critical)] },
    Slip {
        both: NO_CHANGE,
        from: "number,status",
        to: "\u{feff}number,status",
        found: &[("body[*][*]", Changed, Critical)],
    },
    Slip { both: NO_CHANGE, from: ",EUR,", to: ",\"EUR,", found: &[("body", Changed, Critical)] },
    Slip {
        both: NO_CHANGE,
        from: "number,status",
        to: "number;status",
        found: &[("body[*][*]", Changed, Critical), ("body[*][*]", Missing, Critical)],
    },
];

/// In a page with data for scripts.
const PAGE: &[Slip] = &[
    Slip {
        both: DATA,
        from: r#"{"lines":[{"price":"19.90"}]}"#,
        to: r#"{"lines": [{"price": "19.90"}]}"#,
        found: &[],
    },
    Slip {
        both: DATA,
        from: r#"{"lines":[{"price":"19.90"}]}"#,
        to: r#"{"lines":[{"price":"19.9"}]}"#,
        found: &[(":root > body > script::text.lines[*].price", Changed, Critical)],
    },
    Slip {
        both: DATA,
        from: "data-cart='{\"count\":1}'",
        to: "data-cart='{\"count\":\"1\"}'",
        found: &[(":root > body > div[data-cart].count", Retyped, Critical)],
    },
    Slip {
        both: DATA,
        from: "<pre>a  b</pre>",
        to: "<pre>a b</pre>",
        found: &[(":root > body > pre::text", Changed, Critical)],
    },
    Slip {
        both: NO_CHANGE,
        from: "<style nonce=\"",
        to: "<style nonce=\"x",
        found: &[(":root > head > style[nonce]", Changed, Critical)],
    },
];

const DATA: (&str, &str) = (
    "<body>",
    "<body><script type=\"application/json\">{\"lines\":[{\"price\":\"19.90\"}]}</script>\
     <div data-cart='{\"count\":1}'></div><pre>a  b</pre>",
);

const TEXT: &[Slip] =
    &[Slip { both: NO_CHANGE, from: "\n", to: "\r\n", found: &[("body[*]", Changed, Critical)] }];

#[tokio::test]
async fn mistakes_in_what_no_get_answers_are_found_in_recorded_answers() {
    let visitor = Visitor::sign_in().await;
    assert_found(&visitor.ask_graphql(ERRORS).await, GRAPHQL);
    assert_found(&visitor.get("/orders.csv").await, CSV);
    assert_found(&visitor.get("/login").await, PAGE);
    assert_found(&visitor.get("/terms.txt").await, TEXT);
}

#[tokio::test]
async fn links_are_compared_without_their_order() {
    let visitor = Visitor::sign_in().await;
    let [mut control, mut candidate] = [visitor.get("/login").await, visitor.get("/login").await];
    let link = |it: &'static str| HeaderValue::from_static(it);
    control.headers.insert("link", link("</a.css>; rel=preload; as=style, </b.js>; rel=preload"));
    candidate.body = control.body.clone();
    candidate.headers = control.headers.clone();
    candidate.headers.insert("link", link("</b.js>;rel=preload, </a.css>; as=style; rel=preload"));
    assert_eq!(compared(control.clone(), candidate.clone()), []);
    candidate.headers.insert("link", link("</b.js>; rel=preload"));
    let expected = ("headers.link".to_owned(), Changed, Critical);
    assert_eq!(compared(control, candidate), [expected]);
}

#[tokio::test]
async fn cookies_are_compared_by_what_they_say_and_how_long() {
    let answer = Visitor::sign_in().await.get("/login").await;
    let with = |line: &'static str| {
        let mut it = answer.clone();
        it.headers.insert("set-cookie", HeaderValue::from_static(line));
        it
    };
    let found = |place: &str| vec![(format!("headers.set-cookie.{place}"), Changed, Critical)];
    for (one, other, expected) in [
        (
            "shown=1; path=/; expires=Fri, 24 Nov 2096 12:00:00 GMT",
            "shown=1; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT",
            found("shown"),
        ),
        // 1 and 2, as `cookies.signed` writes them, and 1 with the key of another machine.
        (
            "user_id=MQ%3D%3D--a0d19712b17c32ddac40008337bd99e3bc1613b8; path=/",
            "user_id=Mg%3D%3D--1e10ce10ee048d8e29934e26f51cc91a89d9cc39; path=/",
            found("user_id.value"),
        ),
        (
            "user_id=MQ%3D%3D--a0d19712b17c32ddac40008337bd99e3bc1613b8; path=/",
            "user_id=MQ%3D%3D--1e10ce10ee048d8e29934e26f51cc91a89d9cc39; path=/",
            vec![],
        ),
        ("theme=dark--blue; path=/", "theme=light--blue; path=/", found("theme.value")),
    ] {
        assert_eq!(compared(with(one), with(other)), expected, "{one} / {other}");
    }
}

fn assert_found(answer: &Observation, slips: &[Slip]) {
    for slip in slips {
        let control = swapped(answer, slip.both.0, slip.both.1);
        let candidate = swapped(&control, slip.from, slip.to);
        let expected: Vec<_> = slip.found.iter().map(|it| (it.0.to_owned(), it.1, it.2)).collect();
        assert_eq!(compared(control, candidate), expected, "{} / {}", slip.from, slip.to);
    }
}

fn swapped(answer: &Observation, from: &str, to: &str) -> Observation {
    let text = str::from_utf8(answer.body.whole().unwrap()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    Observation { body: text.replacen(from, to, 1).into(), ..answer.clone() }
}

fn compared(control: Observation, candidate: Observation) -> Vec<(String, DifferenceKind, Class)> {
    let pair = Pair::new(control, candidate).unwrap();
    let answers = Answers::read(&pair).unwrap();
    let rules = Rules::default();
    let comparison = answers.compare(&rules, datetime!(2026-11-29 12:00 UTC));
    let differences = comparison.findings.iter().map(|it| &it.difference);
    differences.map(|it| (it.path.grouped().to_string(), it.kind, it.class)).collect()
}

/// A buyer with orders.
struct Visitor {
    client: Client,
    base: String,
    token: String,
}

impl Visitor {
    async fn sign_in() -> Self {
        let client = Client::builder().cookie_store(true).build().unwrap();
        let base = quiet_shop().await.url;
        let session = client.get(format!("{base}/api/session")).send().await.unwrap();
        let session: Value = session.json().await.unwrap();
        let login = json!({ "email": "buyer9@shop.test", "password": "correct horse" });
        let request = client.post(format!("{base}/api/session")).json(&login);
        let token = session["csrf_token"].as_str().unwrap();
        let session = request.header("X-CSRF-Token", token).send().await.unwrap();
        let session: Value = session.json().await.unwrap();
        Self { client, base, token: session["csrf_token"].as_str().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> Observation {
        observed(self.client.get(format!("{}{path}", self.base))).await
    }

    async fn ask_graphql(&self, query: &str) -> Observation {
        let request = self.client.post(format!("{}/graphql", self.base));
        let request = request.header("X-CSRF-Token", &self.token);
        observed(request.json(&json!({ "query": query }))).await
    }
}

async fn observed(request: reqwest::RequestBuilder) -> Observation {
    let answer = request.send().await.unwrap();
    let (status, headers): (StatusCode, HeaderMap) = (answer.status(), answer.headers().clone());
    assert_eq!(status, 200);
    Observation {
        status,
        headers,
        body: answer.bytes().await.unwrap().into(),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    }
}
