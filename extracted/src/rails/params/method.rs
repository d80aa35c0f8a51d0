//! The method that Rails sees: a browser's form can only say POST.

use http::Method;

use super::{Param, Params};

/// What `Rack::MethodOverride` makes of a POST: the method that the form's `_method` names, or else
/// the header field `X-HTTP-Method-Override`. `None` leaves it a POST.
///
/// `form` are the parameters of a form's body, whether urlencoded or multipart, and `None` where the
/// body is of another kind or could not be read; a query's `_method` means nothing.
///
/// Source: rack 2.2, `method_override.rb`.
pub fn method_override(form: Option<&Params>, header: Option<&str>) -> Option<Method> {
    const METHODS: [&str; 9] =
        ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "LINK", "UNLINK"];
    let named = match form.and_then(|it| it.get("_method")) {
        None | Some(Param::Nil) => header?,
        Some(Param::Text(text)) => text,
        Some(_) => return None,
    };
    // What is not ASCII has no capital that could be one of these.
    let method = METHODS.iter().find(|it| it.eq_ignore_ascii_case(named))?;
    Method::from_bytes(method.as_bytes()).ok().filter(|it| it != Method::POST)
}
