//! Where the spans go: what `--otlp` and its companion say.

use std::{fmt, str::FromStr};

use http::Uri;

/// The path of a collector that takes traces by OTLP/HTTP.
const TRACES: &str = "/v1/traces";

/// What is exported, and to whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who takes the spans.
    pub collector: Collector,
    /// The resource's `service.name`.
    pub service_name: String,
}

/// The URL of a collector: `http://HOST:PORT`, with a path or without.
///
/// As with `OTEL_EXPORTER_OTLP_ENDPOINT`, `/v1/traces` is added where the path does not end so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector(Uri);

impl Collector {
    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl FromStr for Collector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let must = "must be http://HOST:PORT, such as http://127.0.0.1:4318";
        let given: Uri = text.parse().map_err(|_| must)?;
        if given.scheme_str() == Some("https") {
            return Err(
                "cannot be https:// yet; run a collector on this machine or network, give \
                        its http:// address, and let it speak TLS from there on",
            );
        }
        let authority = given.authority().ok_or(must)?;
        if given.scheme_str() != Some("http") || authority.as_str().contains('@') {
            return Err(must);
        }
        if given.query().is_some() {
            return Err("must not have a query");
        }
        let base = given.path().trim_end_matches('/');
        let base = base.strip_suffix(TRACES).unwrap_or(base);
        let uri = format!("http://{authority}{base}{TRACES}");
        uri.parse().map(Self).map_err(|_| must)
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for (given, meant) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("http://collector:4318/v1/traces", "http://collector:4318/v1/traces"),
            ("http://collector:4318/v1/traces/", "http://collector:4318/v1/traces"),
            ("http://[::1]:4318/otlp", "http://[::1]:4318/otlp/v1/traces"),
        ] {
            assert_eq!(given.parse::<Collector>().unwrap().to_string(), meant);
        }
    }

    #[test]
    fn what_cannot_be_a_collector_is_refused() {
        for text in [
            "",
            "collector:4318",
            "/v1/traces",
            "unix:///run/otlp.sock",
            "http://collector:4318?token=1",
            "http://user:password@collector:4318",
        ] {
            assert!(text.parse::<Collector>().is_err(), "{text}");
        }
        assert!("https://collector:4318".parse::<Collector>().unwrap_err().contains("http://"));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_accepted_again_and_the_same(
            text in "(http://)?[a-z0-9.:/?@\\[\\]%]{0,30}"
        ) {
            if let Ok(collector) = text.parse::<Collector>() {
                let shown = collector.to_string();
                prop_assert!(shown.ends_with("/v1/traces"));
                prop_assert_eq!(shown.parse(), Ok(collector));
            }
        }
    }
}
