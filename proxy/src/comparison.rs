//! `banyan compare`: two stored answers, compared as the judge would.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use extracted::Extraction;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use prometheus::Registry;
use serde::Serialize;
use shadow::{
    Captured, Observation, Subject, Unknown,
    compare::{Answers, Comparison, Finding, Fragment, Judgement, Outcome, Pair, Rules},
};
use time::OffsetDateTime;

use crate::{
    config::{Compare, Format},
    error::Chain,
    h1::head,
    metrics::ProxyMetrics,
    report::table,
    route::{Compiler, read},
};

/// Characters of a value that a line of the table shows.
const VALUE: usize = 60;

/// Why two answers were not compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A file cannot be read.
    #[error("{0} cannot be read")]
    File(String, #[source] io::Error),
    /// A file has no HTTP response.
    #[error("{0} has no HTTP response ({1}); for a body alone, say --content-type")]
    Response(String, &'static str),
    /// The value of `--content-type`.
    #[error("--content-type must be a media type such as `text/html; charset=utf-8`")]
    ContentType,
    /// The rules cannot be had.
    #[error("{0}")]
    Rules(String),
    /// The answers cannot be read.
    #[error("the answers cannot be compared: {}", reason(*.0))]
    Unknown(Unknown),
    /// A comparison could not be written as JSON: a fault of this program.
    #[error("the comparison could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// What was found.
#[derive(Debug)]
pub struct Compared {
    /// For standard output.
    pub text: String,
    /// Whether no difference counts.
    pub same: bool,
}

/// The shape of `--format json`.
#[derive(Serialize)]
struct Found<'a> {
    same: bool,
    differences: &'a [Finding<'a>],
    /// How many more there are.
    omitted: usize,
}

/// Compares what the arguments name.
///
/// # Errors
/// [`CompareError`].
pub fn compare(
    arguments: &Compare,
    extractions: &'static [Extraction],
) -> Result<Compared, CompareError> {
    let subject = match (&arguments.routes, &arguments.route) {
        (Some(file), Some(route)) => Some(subject(file, route, extractions)?),
        _ => None,
    };
    let none = Rules::default();
    let rules = subject.as_ref().map_or(&none, |it| &it.rules);
    let content_type = arguments.content_type.as_deref();
    let control = observation(&arguments.control, content_type)?;
    let candidate = observation(&arguments.candidate, content_type)?;
    let pair = Pair::new(control, candidate).map_err(CompareError::Unknown)?;
    let answers = Answers::read(&pair).map_err(CompareError::Unknown)?;
    let comparison = answers.compare(rules, OffsetDateTime::now_utc());
    let same = comparison.outcome() != Outcome::Mismatched;
    let text = match arguments.format {
        Format::Text => text(&comparison)?,
        Format::Json => {
            let Comparison { findings, omitted, .. } = &comparison;
            let found = Found { same, differences: findings, omitted: *omitted };
            serde_json::to_string_pretty(&found)? + "\n"
        }
    };
    Ok(Compared { text, same })
}

/// How a route's answers are judged.
fn subject(
    file: &Path,
    route: &str,
    extractions: &'static [Extraction],
) -> Result<Arc<Subject>, CompareError> {
    let name = file.display().to_string();
    let text = read(file).map_err(|it| CompareError::Rules(format!("{name}: {it}")))?;
    let metrics = ProxyMetrics::register(&Registry::new());
    let metrics = metrics.map_err(|it| CompareError::Rules(Chain(&it).to_string()))?;
    let compiled = Compiler { extractions, metrics }.compile(&text, &name);
    let table = compiled.map_err(|faults| CompareError::Rules(faults.to_string()))?.table;
    let found = table.routes().find(|it| it.subject.route == route);
    let missing = || CompareError::Rules(format!("{name} has no route `{route}`"));
    found.map(|it| Arc::clone(&it.subject)).ok_or_else(missing)
}

/// An HTTP response, or, with a content type, a body alone; `-` is standard input.
fn observation(file: &Path, content_type: Option<&str>) -> Result<Observation, CompareError> {
    let name = file.display().to_string();
    let mut stored = Vec::new();
    let read = if name == "-" {
        io::stdin().lock().read_to_end(&mut stored).map(|_| ())
    } else {
        fs::read(file).map(|it| stored = it)
    };
    read.map_err(|it| CompareError::File(name.clone(), it))?;
    let response = match content_type {
        Some(value) => {
            let mut response = Response::new(Bytes::from(stored));
            let value = HeaderValue::from_str(value).map_err(|_| CompareError::ContentType)?;
            response.headers_mut().insert(CONTENT_TYPE, value);
            response
        }
        None => response(&stored.into()).map_err(|why| CompareError::Response(name, why))?,
    };
    let (parts, body) = response.into_parts();
    let (status, headers) = (parts.status, parts.headers);
    Ok(Observation {
        status,
        headers,
        // Nobody waits, so that it need not be digested, however long it is.
        body: Captured::Whole(body),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    })
}

/// What `curl -i` writes: a status line of any version of HTTP, field lines, an empty line and the body,
/// a chunked one already put together; lines are ended by CRLF or by LF. In front of it stand the heads
/// of interim answers, of a proxy's answer to CONNECT and of redirects that were followed, all without
/// their bodies, so what begins as a head does behind another one, and can be read, is one.
fn response(stored: &Bytes) -> Result<Response<Bytes>, &'static str> {
    let mut response = first_response(stored)?;
    loop {
        let rest = response.body();
        let status = response.status();
        let is_interim = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
        match first_response(rest) {
            Ok(next) => response = next,
            Err(_) if is_interim => return Err("nothing but an interim answer"),
            Err(_) => return Ok(response),
        }
    }
}

/// A head, and all that is behind it.
fn first_response(stored: &Bytes) -> Result<Response<Bytes>, &'static str> {
    if !stored.starts_with(b"HTTP/") {
        return Err("no status line");
    }
    let mut head = Vec::new();
    let mut rest = &stored[..];
    loop {
        let end = memchr::memchr(b'\n', rest).ok_or("no empty line ends the fields")?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = &rest[end + 1..];
        if head.is_empty() {
            let status = memchr::memchr(b' ', line).ok_or("no status line")?;
            head.extend_from_slice(b"HTTP/1.1");
            head.extend_from_slice(&line[status..]);
        } else {
            head.extend_from_slice(line);
        }
        head.extend_from_slice(b"\r\n");
        if line.is_empty() {
            break;
        }
    }
    // HTTP/2 has no reason phrase, and curl leaves the blank.
    let response = head::response(&head.into()).map_err(|_| "a bad status line or field")?;
    Ok(response.map(|()| stored.slice_ref(rest)))
}

fn text(comparison: &Comparison<'_>) -> Result<String, serde_json::Error> {
    if comparison.findings.is_empty() {
        return Ok("The same.\n".to_owned());
    }
    let mut rows =
        vec![["PATH", "KIND", "CLASS", "CONTROL", "CANDIDATE", "RULE"].map(str::to_owned)];
    for Finding { difference: it, judgement } in &comparison.findings {
        rows.push([
            it.path.to_string(),
            it.kind.to_string(),
            it.class.to_string(),
            value(it.control.as_ref())?,
            value(it.candidate.as_ref())?,
            match judgement {
                Judgement::Counts => String::new(),
                Judgement::Classed(rule) => format!("{}: {}", it.class, rule.why),
                Judgement::Excused(rule) => format!("excused: {}", rule.why),
                Judgement::Expired(rule) => format!("expired: {}", rule.why),
            },
        ]);
    }
    let mut text = table(&rows);
    if comparison.omitted > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} more", comparison.omitted);
    }
    let Comparison { critical, cosmetic, .. } = comparison;
    let _ = match comparison.outcome() {
        Outcome::Mismatched => {
            writeln!(text, "Different: {critical} critical, {cosmetic} cosmetic.")
        }
        Outcome::Ignored | Outcome::Matched => writeln!(text, "The same by the route's rules."),
    };
    Ok(text)
}

/// On one line, and cut; what looks like something else, or like nothing, is escaped.
fn value(fragment: Option<&Fragment<'_>>) -> Result<String, serde_json::Error> {
    let Some(fragment) = fragment else { return Ok("–".to_owned()) };
    let text = serde_json::to_string(fragment)?;
    let mut signs = text.chars();
    let mut cut = String::new();
    for sign in signs.by_ref().take(VALUE) {
        if is_unseen(sign) {
            cut.extend(sign.escape_unicode());
        } else {
            cut.push(sign);
        }
    }
    if !signs.as_str().is_empty() {
        cut.push('…');
    }
    Ok(cut)
}

/// Space other than the common one, and what joins, separates or turns other signs (Unicode's
/// categories Zs and Cf, as far as texts have them).
const fn is_unseen(it: char) -> bool {
    matches!(it, '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}')
        || matches!(it, '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{feff}')
}

const fn reason(why: Unknown) -> &'static str {
    match why {
        Unknown::TooLarge => "a body is too long, too deep or too intricate, or has too much in it",
        _ => "the control's body is not what its headers say, or a content encoding is not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_cannot_be_seen_are_escaped() {
        let text = Fragment::Text("é\u{a0}x \u{200b}\u{feff}y");
        assert_eq!(value(Some(&text)).unwrap(), r#""é\u{a0}x \u{200b}\u{feff}y""#);
    }

    #[test]
    fn stored_answers_are_read_in_any_version_and_with_any_line_ends() {
        for stored in [
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\nx\ny",
            "HTTP/2 200 \nA: b\n\nx\ny",
            "HTTP/3 200\nA: b\n\nx\ny",
        ] {
            let response = response(&stored.into()).unwrap();
            assert_eq!(
                (response.status().as_u16(), &response.headers()["a"]),
                (200, &"b".parse().unwrap())
            );
            assert_eq!(response.body(), "x\ny");
        }
        for stored in ["", "{}", "HTTP/1.1 200 OK", "HTTP/1.1 OK\n\n", "HTTP/1.1 200 OK\na b\n\n"] {
            assert!(response(&stored.into()).is_err(), "{stored}");
        }
    }

    #[test]
    fn of_all_heads_that_curl_writes_the_last_one_is_the_answers() {
        for before in [
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/2 103 \r\nlink: </a.css>; rel=preload\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 90\r\n\r\n",
            "HTTP/1.1 100 Continue\n\nHTTP/1.1 301 Moved\nLocation: /b\n\nHTTP/2 103\n\n",
        ] {
            let response = response(&format!("{before}HTTP/2 404 \nA: b\n\nx").into()).unwrap();
            assert_eq!(
                (response.status().as_u16(), response.headers().len()),
                (404, 1),
                "{before}"
            );
            assert_eq!(response.body(), "x");
        }
        let cut = response(&"HTTP/1.1 100 Continue\n\n".into());
        assert_eq!(cut.unwrap_err(), "nothing but an interim answer");
    }

    #[test]
    fn a_body_that_only_begins_like_a_head_is_a_body() {
        for body in ["HTTP/2 is faster", "HTTP/1.1 200 OK\nno fields", "HTTP/1.1 OK\n\n", "HTTP/"] {
            let response = response(&format!("HTTP/1.1 200 OK\nA: b\n\n{body}").into()).unwrap();
            assert_eq!((response.headers().len(), response.body()), (1, &body.into()), "{body}");
        }
    }
}
