//! A buyer's client: keeps cookies, follows redirects, fills in the forms that pages hold.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{
    Client, Method, Response, StatusCode,
    cookie::{CookieStore as _, Jar},
    header,
};
use scraper::{Html, Selector};
use serde_json::Value;

/// Something that a buyer would complain of.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Complaint(pub String);

impl From<reqwest::Error> for Complaint {
    fn from(error: reqwest::Error) -> Self {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Self(text)
    }
}

/// Says what should have been.
pub fn expect(ok: bool, what: impl FnOnce() -> String) -> Result<(), Complaint> {
    if ok { Ok(()) } else { Err(Complaint(what())) }
}

/// One visitor with an own cookie jar. Cloning shares the jar, as two tabs do.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client,
    cookies: Arc<Jar>,
    base: String,
    seen: Arc<Mutex<Vec<Duration>>>,
}

/// An HTML page.
#[derive(Debug)]
pub struct Page {
    /// Where the redirects ended.
    pub path: String,
    /// The status of the last answer.
    pub status: StatusCode,
    html: String,
}

impl Browser {
    /// A visitor of the shop at `base`: `http://HOST:PORT`, or `https://HOST:PORT` with whatever
    /// certificate, over HTTP/2 where that is offered.
    ///
    /// # Panics
    /// When the client cannot be built: the system has no randomness, and nothing works then.
    #[expect(clippy::expect_used, reason = "see Panics")]
    pub fn new(base: &str) -> Self {
        let cookies = Arc::<Jar>::default();
        let client = Client::builder()
            .cookie_provider(Arc::clone(&cookies))
            .tls_danger_accept_invalid_certs(true)
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client that believes any certificate needs nothing of the system");
        Self { client, cookies, base: base.to_owned(), seen: Arc::default() }
    }

    /// The same visitor, with the same cookies, at another address of the shop.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// How long each request took, from the first on; redirects count with the request that led
    /// there.
    pub fn latencies(&self) -> Vec<Duration> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The `Cookie` field that this visitor would send, for clients of other protocols.
    pub fn cookie_header(&self) -> String {
        let url = self.base.parse().ok();
        let value = url.and_then(|url| self.cookies.cookies(&url));
        value.and_then(|it| it.to_str().map(str::to_owned).ok()).unwrap_or_default()
    }

    /// A request, ready to be changed and then [`Browser::send`]t.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request. A server error is a complaint, whatever the caller expects.
    ///
    /// # Errors
    /// When there is no answer, or one that begins with 5.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Complaint> {
        let began = Instant::now();
        let response = request.send().await?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(began.elapsed());
        let (status, url) = (response.status(), response.url().clone());
        expect(!status.is_server_error(), || format!("{} answered {status}", url.path()))?;
        Ok(response)
    }

    /// A page.
    ///
    /// # Errors
    /// As [`Browser::send`].
    pub async fn visit(&self, path: &str) -> Result<Page, Complaint> {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "text/html");
        Page::of(self.send(request).await?).await
    }

    /// Fills in and sends the page's form with this action; hidden fields go along, as in any
    /// browser, and with them the CSRF token and the method.
    ///
    /// # Errors
    /// When the page has no such form; and as [`Browser::send`].
    pub async fn submit(
        &self,
        page: &Page,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page, Complaint> {
        let mut form = page.hidden_fields(action)?;
        form.retain(|(name, _)| !fields.iter().any(|(it, _)| it == name));
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = self.request(Method::POST, action).header(header::ORIGIN, &self.base);
        Page::of(self.send(request.form(&form)).await?).await
    }

    /// JSON, with the status that came with it.
    ///
    /// # Errors
    /// As [`Browser::send`]; and when the body is no JSON.
    pub async fn json(&self, path: &str) -> Result<(StatusCode, Value), Complaint> {
        json(self.send(self.request(Method::GET, path)).await?).await
    }

    /// Sends JSON with the session's CSRF token, and returns the JSON that comes back.
    ///
    /// # Errors
    /// As [`Browser::json`].
    pub async fn send_json(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value), Complaint> {
        let request = self.request(method, path).header("x-csrf-token", token).json(body);
        json(self.send(request).await?).await
    }
}

async fn json(response: Response) -> Result<(StatusCode, Value), Complaint> {
    let (status, path) = (response.status(), response.url().path().to_owned());
    let bytes = response.bytes().await?;
    if bytes.is_empty() {
        return Ok((status, Value::Null));
    }
    let value = serde_json::from_slice(&bytes);
    Ok((status, value.map_err(|error| Complaint(format!("{path} is no JSON: {error}")))?))
}

impl Page {
    async fn of(response: Response) -> Result<Self, Complaint> {
        let (path, status) = (response.url().path().to_owned(), response.status());
        Ok(Self { path, status, html: response.text().await? })
    }

    /// What the page says, without its markup.
    pub fn text(&self) -> String {
        Html::parse_document(&self.html).root_element().text().collect()
    }

    /// What the page has to say since the last one: notices and alerts.
    pub fn flash(&self) -> Vec<String> {
        let Ok(selector) = Selector::parse(".flash[role=status]") else { return Vec::new() };
        let document = Html::parse_document(&self.html);
        document.select(&selector).map(|it| it.text().collect()).collect()
    }

    /// The values of an attribute of all elements that the CSS selector finds.
    pub fn attributes(&self, selector: &str, attribute: &str) -> Vec<String> {
        let Ok(selector) = Selector::parse(selector) else { return Vec::new() };
        let document = Html::parse_document(&self.html);
        let found = document.select(&selector).filter_map(|it| it.value().attr(attribute));
        found.map(str::to_owned).collect()
    }

    /// Names and values of the hidden fields of the form with this action.
    ///
    /// # Errors
    /// When the page has no such form.
    pub fn hidden_fields(&self, action: &str) -> Result<Vec<(String, String)>, Complaint> {
        let document = Html::parse_document(&self.html);
        let (Ok(forms), Ok(inputs)) =
            (Selector::parse("form"), Selector::parse("input[type=hidden]"))
        else {
            return Err(Complaint("the harness's own selectors are malformed".into()));
        };
        let form = document.select(&forms).find(|it| it.value().attr("action") == Some(action));
        let form = form.ok_or_else(|| {
            Complaint(format!("{} has no form for {action}; status {}", self.path, self.status))
        })?;
        let pair = |it: scraper::ElementRef<'_>| {
            let value = it.value();
            Some((
                value.attr("name")?.to_owned(),
                value.attr("value").unwrap_or_default().to_owned(),
            ))
        };
        Ok(form.select(&inputs).filter_map(pair).collect())
    }
}
