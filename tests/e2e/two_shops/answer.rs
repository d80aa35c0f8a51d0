//! An answer, without what differs between two equal ones.

use extracted::rails::csrf::CsrfToken;
use reqwest::{
    Response,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap},
};

use super::{body, session, times::Window};

/// Header fields that belong to the connection or to the request's way through the proxy. A body's
/// length follows from it, and the cookies are compared by themselves.
const PER_REQUEST: [&str; 7] = [
    "connection",
    "content-length",
    "date",
    "set-cookie",
    "transfer-encoding",
    "x-request-id",
    "x-runtime",
];

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// The parts of an answer as texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Masked {
    pub(super) status: String,
    pub(super) headers: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().into() }
    }

    fn field(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn masked(&self, csrf_token: Option<&CsrfToken>, window: &Window) -> Masked {
        let nonce = self.field(CONTENT_SECURITY_POLICY).and_then(nonce);
        let context = body::Context {
            content_type: self.field(CONTENT_TYPE).unwrap_or_default(),
            nonce,
            csrf_token,
            window,
        };
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let value = value.to_str().unwrap_or("<not text>");
            if !PER_REQUEST.contains(&name.as_str()) {
                headers.push(format!(
                    "{name}: {}\n",
                    masked_field(name.as_str(), value, nonce, window)
                ));
            }
        }
        headers.sort();
        Masked {
            status: self.status.to_string(),
            headers: headers.concat(),
            body: body::masked(&self.body, &context),
        }
    }
}

fn masked_field(name: &str, value: &str, nonce: Option<&str>, window: &Window) -> String {
    match (name, nonce) {
        ("content-security-policy", Some(nonce)) => value.replace(nonce, "<nonce>"),
        // It follows from a body in which times and tokens differ.
        ("etag", _) if is_etag(value) => "<of this body>".to_owned(),
        ("last-modified", _) => window.http_date(value).map_or(value.to_owned(), str::to_owned),
        _ => value.to_owned(),
    }
}

/// The policy's nonce, when it is one that Rails would make: 16 bytes in base64.
fn nonce(policy: &str) -> Option<&str> {
    let (_, rest) = policy.split_once("'nonce-")?;
    let (nonce, _) = rest.split_once('\'')?;
    let digits = nonce.strip_suffix("==")?;
    let is_digit = |it: u8| it.is_ascii_alphanumeric() || it == b'+' || it == b'/';
    (digits.len() == 22 && digits.bytes().all(is_digit)).then_some(nonce)
}

fn is_etag(value: &str) -> bool {
    let digits = value.strip_prefix("W/\"").and_then(|it| it.strip_suffix('"'));
    digits.is_some_and(|it| it.len() == 32 && it.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// How the cookies are set, as two texts. One side may leave a cookie alone that the other sets anew
/// with what it held: what they hold then is compared elsewhere.
pub(super) fn cookies(answers: [&Answer; 2]) -> [String; 2] {
    let [left, right] = answers.map(|it| session::attributes(&it.headers));
    let mut texts = [String::new(), String::new()];
    for (name, attributes) in &left {
        if let Some(others) = right.get(name) {
            texts[0].extend(["set-cookie: ", name, "; ", attributes, "\n"]);
            texts[1].extend(["set-cookie: ", name, "; ", others, "\n"]);
        }
    }
    texts
}
