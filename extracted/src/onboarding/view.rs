//! The forms: `views/sessions/new.html.erb` and `views/registrations/new.html.erb`.

use crate::{
    contract::{Ctx, HandlerError, Request},
    models::registration::{Attribute, Registration},
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

/// The form to sign up, with what was tried and what is wrong with it.
pub(super) fn signup(
    ctx: &mut Ctx,
    request: &Request,
    tried: &Registration,
    errors: &[(Attribute, &str)],
) -> Result<Html, HandlerError> {
    let field = |of: Attribute, kind, name, autocomplete, value| {
        let attributes = [("autocomplete", autocomplete)];
        let field = Field { value, ..Field::new(kind, name, &attributes) };
        let wrong = errors.iter().any(|(it, _)| *it == of);
        if wrong { field.tag_with_error() } else { field.tag() }
    };
    let (name, email) = (tried.name.as_deref(), tried.email.as_deref());
    let again = "user[password_confirmation]";
    let fields = html!(
        "\n  {}\n  <label>Name {}</label>\n  <label>Email {}</label>\n  <label>Password {}</label>\n  \
         <label>Password again {}</label>\n  {}\n",
        errors_list(errors),
        field(Attribute::Name, "text", "user[name]", "name", name),
        field(Attribute::Email, "email", "user[email]", "email", email),
        field(Attribute::Password, "password", "user[password]", "new-password", None),
        field(Attribute::PasswordConfirmation, "password", again, "new-password", None),
        submit("Sign up", Some("commit"), false)
    );
    let form = form(ctx, request, "/signup", "post", Some("stack"), &fields)?;
    Ok(html!("<h1>Sign up</h1>\n{}", form))
}

/// `views/shared/_errors.html.erb`.
fn errors_list(errors: &[(Attribute, &str)]) -> Html {
    if errors.is_empty() {
        return Html::default();
    }
    let messages: Html =
        errors.iter().map(|(_, message)| html!("      <li>{}</li>\n", message)).collect();
    html!("  <ul class=\"errors\">\n{}  </ul>\n", messages)
}
