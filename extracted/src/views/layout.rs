//! The layout of every page: `views/layouts/*.erb`.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::{Rng, rngs::StdRng};

use crate::{
    contract::{Ctx, HandlerError, Request},
    controllers::pages::Visitor,
    rails::{
        column::DateTime,
        csrf,
        html::{Form, Html, button_to, csp_meta_tag, csrf_meta_tags, escape, html, link_to},
        string::presence,
    },
};

const STYLE: &str = include_str!("style.css");

/// `content_security_policy_nonce`: `SecureRandom.base64(16)`.
pub(crate) fn nonce(random: &mut StdRng) -> String {
    let mut nonce = [0; 16];
    random.fill_bytes(&mut nonce);
    BASE64_STANDARD.encode(nonce)
}

/// What surrounds the content of a page.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) request: &'a Request,
    pub(crate) visitor: &'a Visitor,
    /// `current_user.notifications.unread.count`
    pub(crate) unread: i64,
    pub(crate) nonce: &'a str,
}

impl Layout<'_> {
    /// The page, with what `yield` and `content_for :title` give.
    pub(crate) fn page(
        &self,
        ctx: &mut Ctx,
        title: Option<&str>,
        content: &Html,
    ) -> Result<Html, HandlerError> {
        let title = whole_title(title);
        let token = ctx.authenticity_token(self.request, None)?;
        let made = serde_json::to_value(DateTime(ctx.now)).map_err(HandlerError::Json)?;
        Ok(html!(
            r#"<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{}</title>
    {}
    {}
    {}
  </head>
  <body>
    {}
    <main>
      {}
      {}
    </main>
    <footer>Banyan Shop · page made {}</footer>
  </body>
</html>
"#,
            title,
            csrf_meta_tags(&token),
            csp_meta_tag(self.nonce),
            self.style(),
            self.header(ctx)?,
            self.flash(ctx)?,
            content,
            made.as_str().unwrap_or_default()
        ))
    }

    fn style(&self) -> Html {
        html!("<style nonce=\"{}\">\n{}</style>\n", self.nonce, Html::trusted(STYLE))
    }

    fn header(&self, ctx: &mut Ctx) -> Result<Html, HandlerError> {
        let cart = format!("Cart ({})", self.visitor.cart.count());
        let visitor = match &self.visitor.user {
            None => html!(
                "    {}\n    {}\n",
                link_to("Log in", "/login", &[]),
                link_to("Sign up", "/signup", &[])
            ),
            Some(user) => {
                let notifications = format!("Notifications ({})", self.unread);
                let returns = user.admin.then(|| link_to("Returns", "/admin/returns", &[]));
                html!(
                    "    {}\n    {}\n    {}\n    {}\n    {}\n",
                    link_to("Orders", "/orders", &[]),
                    link_to(&notifications, "/notifications", &[]),
                    link_to(&user.name, "/profile", &[]),
                    returns,
                    button(ctx, self.request, "Log out", "/logout", "delete")?
                )
            }
        };
        Ok(html!(
            "<header>\n  {}\n  {}\n  {}\n{}</header>\n",
            link_to("Banyan Shop", "/", &[("class", "brand")]),
            link_to("Products", "/products", &[]),
            link_to(&cart, "/cart", &[]),
            visitor
        ))
    }

    fn flash(&self, ctx: &mut Ctx) -> Result<Html, HandlerError> {
        let flash = ctx.flash(self.request)?;
        let message = |(kind, message): (&str, &str)| {
            html!("  <p class=\"flash {}\" role=\"status\">{}</p>\n", kind, message)
        };
        Ok(flash.iter().map(message).collect())
    }
}

/// `[content_for(:title), "Banyan Shop"].compact_blank.join(" · ")`. What the page gives is escaped
/// already, but what `join` makes of it is no safe buffer any more, and is escaped once more.
fn whole_title(title: Option<&str>) -> String {
    const SHOP: &str = "Banyan Shop";
    match presence(title) {
        Some(title) => format!("{} · {SHOP}", escape(title)),
        None => SHOP.to_owned(),
    }
}

/// `button_to text, path, method: method`, with its own token.
pub(crate) fn button(
    ctx: &mut Ctx,
    request: &Request,
    text: &str,
    path: &str,
    method: &str,
) -> Result<Html, HandlerError> {
    let token = ctx.authenticity_token(request, Some(csrf::Form { path, method }))?;
    Ok(button_to(text, path, method, &token))
}

/// `form_with url: path, method: method, class: …`, with its own token.
pub(crate) fn form(
    ctx: &mut Ctx,
    request: &Request,
    path: &str,
    method: &str,
    class: Option<&str>,
    fields: &Html,
) -> Result<Html, HandlerError> {
    let token = ctx.authenticity_token(request, Some(csrf::Form { path, method }))?;
    let class: Vec<_> = class.map(|it| ("class", it)).into_iter().collect();
    let form = Form { method, attributes: &class, ..Form::post(path, &token) };
    Ok(form.with(fields))
}
