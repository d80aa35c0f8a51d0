//! The static files, embedded in the binary.

use axum::{
    extract::Path,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::page;

/// `GET /static/{name}`.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "banyan.css" => ("text/css; charset=utf-8", include_str!("../static/banyan.css")),
        "refresh.js" => ("text/javascript; charset=utf-8", include_str!("../static/refresh.js")),
        "banyan.svg" => ("image/svg+xml", include_str!("../static/banyan.svg")),
        _ => return page::not_found(&format!("/static/{name}")),
    };
    // Revalidated each time: the file changes with the binary, its name does not.
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text).into_response()
}
