//! What is recorded of one request: itself, and the answer that its buyer got.
//!
//! A record is `length:u32`, so many bytes of JSON, the request's body, and the answer's body.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use shadow::{Captured, Observation};
use time::OffsetDateTime;

use crate::{downstream::Downstream, monolith::headers::X_REQUEST_ID};

/// A request, and the answer to it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When its head had arrived.
    pub at: OffsetDateTime,
    /// The route that it took.
    pub route: String,
    /// Whose it was.
    pub downstream: Downstream,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub target: Uri,
    /// Its fields, with its id among them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What the buyer got, without trailers; `None` in a redacted recording.
    pub answer: Option<Observation>,
}

/// A record holds something else than an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds no exchange that this build can read")]
pub struct Malformed;

/// All but the bodies, as it is written. Fields' values are bytes, each written as the character of
/// its number (ISO 8859-1).
#[derive(Serialize, Deserialize)]
struct Head {
    /// Microseconds since 1970.
    at: i64,
    route: String,
    peer: IpAddr,
    trusted: bool,
    tls: bool,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: usize,
    answer: Option<AnswerHead>,
}

#[derive(Serialize, Deserialize)]
struct AnswerHead {
    status: u16,
    headers: Vec<(String, String)>,
    microseconds: u64,
}

impl Exchange {
    /// The request's id, the same in every log and in the reports.
    pub fn id(&self) -> &str {
        self.headers.get(X_REQUEST_ID).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// The bytes of a record.
    ///
    /// # Errors
    /// [`Malformed`], if the answer's body was not kept whole.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let head = Head {
            at: i64::try_from(self.at.unix_timestamp_nanos() / 1_000).map_err(|_| Malformed)?,
            route: self.route.clone(),
            peer: self.downstream.peer,
            trusted: self.downstream.trusted,
            tls: self.downstream.tls,
            method: self.method.to_string(),
            target: self.target.to_string(),
            headers: written(&self.headers),
            body: self.body.len(),
            answer: self.answer.as_ref().map(|it| AnswerHead {
                status: it.status.as_u16(),
                headers: written(&it.headers),
                microseconds: u64::try_from(it.took.as_micros()).unwrap_or(u64::MAX),
            }),
        };
        let head = serde_json::to_vec(&head).map_err(|_| Malformed)?;
        let length = u32::try_from(head.len()).map_err(|_| Malformed)?;
        let answer = self.answer.as_ref().map(|it| it.body.whole().ok_or(Malformed)).transpose()?;
        let answer = answer.map(|it| &it[..]).unwrap_or_default();
        Ok([&length.to_be_bytes()[..], &head, &self.body, answer].concat())
    }

    /// What a record holds.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(record: &Bytes) -> Result<Self, Malformed> {
        let (length, rest) = record.split_first_chunk::<4>().ok_or(Malformed)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (head, bodies) = rest.split_at_checked(length).ok_or(Malformed)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| Malformed)?;
        let (body, answer) = bodies.split_at_checked(head.body).ok_or(Malformed)?;
        let (body, rest) = (record.slice_ref(body), record.slice_ref(answer));
        let answer = match head.answer {
            None => None,
            Some(it) => Some(Observation {
                status: StatusCode::from_u16(it.status).map_err(|_| Malformed)?,
                headers: read(&it.headers)?,
                body: Captured::Whole(rest),
                trailers: HeaderMap::new(),
                took: Duration::from_micros(it.microseconds),
            }),
        };
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(head.at) * 1_000);
        Ok(Self {
            at: at.map_err(|_| Malformed)?,
            route: head.route,
            downstream: Downstream::known(head.peer, head.tls, head.trusted),
            method: head.method.parse().map_err(|_| Malformed)?,
            target: head.target.parse().map_err(|_| Malformed)?,
            headers: read(&head.headers)?,
            body,
            answer,
        })
    }
}

fn written(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |it: &HeaderValue| it.as_bytes().iter().map(|byte| char::from(*byte)).collect();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn read(fields: &[(String, String)]) -> Result<HeaderMap, Malformed> {
    let mut headers = HeaderMap::with_capacity(fields.len().min(1024));
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Malformed)?;
        let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
        let value = HeaderValue::from_bytes(&bytes.map_err(|_| Malformed)?);
        // More fields than a map can hold are no request's.
        headers.try_append(name, value.map_err(|_| Malformed)?).map_err(|_| Malformed)?;
    }
    Ok(headers)
}

#[cfg(test)]
pub(crate) mod tests {
    use http::header;
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    /// A request of this id to this target, and an answer to it.
    pub(crate) fn exchange(id: &str, target: &str) -> Exchange {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, id.parse().unwrap());
        headers.append(header::COOKIE, HeaderValue::from_bytes(b"a=\xff\x80; b=1").unwrap());
        headers.append(header::COOKIE, HeaderValue::from_static("c=2"));
        Exchange {
            at: datetime!(2026-03-01 12:00:00.123_456 UTC),
            route: "catalog.show".into(),
            downstream: Downstream::known("::1".parse().unwrap(), true, false),
            method: Method::GET,
            target: target.parse().unwrap(),
            headers,
            body: Bytes::from_static(b"\0\xff"),
            answer: Some(Observation {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: Bytes::from_static(b"{}").into(),
                trailers: HeaderMap::new(),
                took: Duration::from_micros(1500),
            }),
        }
    }

    #[test]
    fn an_exchange_is_read_as_it_was() {
        let exchange = exchange("abc", "/products/1?a=%20");
        let read = Exchange::decode(&exchange.encode().unwrap().into()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{exchange:?}"));
        assert_eq!(read.id(), "abc");
        let redacted = Exchange { answer: None, ..exchange };
        let read = Exchange::decode(&redacted.encode().unwrap().into()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{redacted:?}"));
    }

    #[test]
    fn what_is_cut_off_is_malformed() {
        let whole = exchange("abc", "/").encode().unwrap();
        let bodies = 4;
        for length in 0..whole.len() - bodies {
            let cut = Bytes::copy_from_slice(&whole[..length]);
            assert!(Exchange::decode(&cut).is_err(), "{length} of {}", whole.len());
        }
    }

    proptest! {
        #[test]
        fn no_record_panics(record: Vec<u8>, place: usize, byte: u8) {
            let _ = Exchange::decode(&record.into());
            let mut whole = exchange("abc", "/").encode().unwrap();
            let place = place % whole.len();
            whole[place] = byte;
            let _ = Exchange::decode(&whole.into());
        }
    }
}
