//! What a scenario consists of.

use std::collections::BTreeMap;

use reqwest::Method;

/// One thing that is done on both sides.
#[derive(Debug)]
pub(super) enum Op {
    /// Lets the buyer forget their cookies.
    Forget,
    /// A statement.
    Given(String),
    /// A request, whose outcome is compared.
    Request(Box<Step>),
    /// A log-in with this address, past Banyan.
    SignIn(String),
    /// A value of the side's database.
    Take { name: String, sql: String },
}

/// A request.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) token: Option<Token>,
    pub(super) by: By,
    /// What Rails must answer for the scenario to mean what it says.
    pub(super) status: Option<u16>,
}

/// Who must answer behind Banyan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Rails,
    Rust,
}

/// Where a request's authenticity token is from.
#[derive(Debug)]
pub(super) enum Token {
    /// From `/api/session`.
    Api,
    /// From a form of a page.
    Form { page: String, action: String },
    /// From a page's head.
    Page(String),
}

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Form(Vec<(String, String)>),
    Raw { content_type: String, bytes: Vec<u8> },
    Text { content_type: String, text: String },
}

/// No body.
pub(crate) const fn nothing() -> Body {
    Body::None
}

/// As a browser sends a form.
pub(crate) fn form(fields: &[(&str, &str)]) -> Body {
    Body::Form(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

/// A JSON text.
pub(crate) fn json(text: &str) -> Body {
    Body::Text { content_type: "application/json".to_owned(), text: text.to_owned() }
}

/// Bytes as they are; nothing in them stands for anything else.
pub(crate) fn raw(content_type: &str, bytes: impl Into<Vec<u8>>) -> Body {
    Body::Raw { content_type: content_type.to_owned(), bytes: bytes.into() }
}

impl Step {
    pub(super) fn new(method: Method, path: &str, body: Body, by: By) -> Self {
        Self {
            method,
            path: path.to_owned(),
            fields: Vec::new(),
            body,
            token: None,
            by,
            status: None,
        }
    }

    /// As a line of a report.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// How Rails sees the method: a form may name another one.
    pub(super) fn effective_method(&self) -> String {
        let named = match &self.body {
            Body::Form(fields) => fields.iter().find(|(name, _)| name == "_method"),
            _ => None,
        };
        named.map_or(self.method.as_str(), |(_, value)| value).to_ascii_lowercase()
    }
}

/// The text with each `{name}` replaced by what was taken.
pub(super) fn filled(text: &str, taken: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in taken {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}
