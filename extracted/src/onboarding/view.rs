//! `views/sessions/new.html.erb`.

use crate::{
    contract::{Ctx, HandlerError, Request},
    rails::html::{Field, Html, html, submit},
    views::layout::form,
};

/// The log-in form, with the address that was tried.
pub(super) fn login(
    ctx: &mut Ctx,
    request: &Request,
    email: Option<&str>,
) -> Result<Html, HandlerError> {
    let email = email.map(|it| ("value", it));
    let email: Vec<_> = email.into_iter().chain([("autocomplete", "email")]).collect();
    let password = [("autocomplete", "current-password")];
    let fields = html!(
        "\n  <label>Email {}</label>\n  <label>Password {}</label>\n  {}\n",
        Field::new("email", "email", &email).tag(),
        Field::new("password", "password", &password).tag(),
        submit("Log in", Some("commit"), false)
    );
    let form = form(ctx, request, "/login", "post", Some("stack"), &fields)?;
    Ok(html!("<h1>Log in</h1>\n{}", form))
}
