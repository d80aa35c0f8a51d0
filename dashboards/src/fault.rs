//! Why something cannot be shown, told to a person as a page and to a program as JSON.

use std::{error::Error, iter};

use askama::Template;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shadow::StoreError;

use crate::page;

/// Why something cannot be shown.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The store cannot be read.
    Store(StoreError),
    /// There is no such thing.
    Unknown {
        /// What was asked for.
        what: String,
    },
}

/// A fault, as the answer of a page.
#[derive(Debug)]
pub(crate) struct AsPage(Fault);

/// A fault, as the answer of a page's JSON twin.
#[derive(Debug)]
pub(crate) struct AsJson(Fault);

#[derive(Debug, Template, Serialize)]
#[template(path = "fault.html")]
struct Explanation {
    error: String,
    /// What is below the error, outermost first.
    causes: Vec<String>,
    remedy: &'static str,
}

impl Fault {
    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown { what: what.into() }
    }

    /// Logs what needs an operator, and says what to tell.
    fn explain(self) -> (StatusCode, Explanation) {
        match self {
            Self::Store(error) => {
                let causes: Vec<_> = causes(&error).collect();
                tracing::error!(error = causes.join(": "), "the report store cannot be read");
                let explanation = Explanation {
                    error: "The report store cannot be read".into(),
                    causes,
                    remedy: "Buyers are not affected. Check that the file named by --store is \
                             there, readable and not on a full disk, or that the server is \
                             reached; the page tries again by itself.",
                };
                (StatusCode::SERVICE_UNAVAILABLE, explanation)
            }
            Self::Unknown { what } => {
                let explanation = Explanation {
                    error: format!("There is no {what}"),
                    causes: Vec::new(),
                    remedy: "It may have left routes.toml, or the store may have been replaced. \
                             The overview lists every route that is known.",
                };
                (StatusCode::NOT_FOUND, explanation)
            }
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for AsPage {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<Fault> for AsJson {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for AsPage {
    fn into_response(self) -> Response {
        let (status, explanation) = self.0.explain();
        (status, page::Html(explanation)).into_response()
    }
}

impl IntoResponse for AsJson {
    fn into_response(self) -> Response {
        let (status, explanation) = self.0.explain();
        (status, Json(explanation)).into_response()
    }
}

/// An error and every source below it.
fn causes(error: &dyn Error) -> impl Iterator<Item = String> {
    iter::successors(Some(error), |&it| it.source()).map(ToString::to_string)
}
