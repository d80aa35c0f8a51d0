//! `ApplicationController`: the actions that answer with pages.

use http::{HeaderName, HeaderValue, StatusCode, header::VARY};

use super::{current_cart, current_user};
use crate::{
    contract::{Ctx, HandlerError, Reply, Request},
    models::{cart::Cart, user::User},
    rails::{
        html::{Html, html, link_to},
        params::Params,
        response,
    },
    views::layout::{self, Layout},
};

const CONTENT_SECURITY_POLICY: HeaderName = HeaderName::from_static("content-security-policy");

/// Who a page is for: `current_user` and `current_cart`, as the header shows them.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// `None`: not signed in.
    pub(crate) user: Option<User>,
    /// It may be a new one, which has no row yet.
    pub(crate) cart: Cart,
}

impl Visitor {
    /// Whoever asks.
    pub(crate) async fn of(ctx: &mut Ctx, request: &Request) -> Result<Self, HandlerError> {
        let user = current_user(ctx, request).await?;
        let cart = current_cart(ctx, request, user.as_ref()).await?;
        Ok(Self { user, cart })
    }

    /// `current_user&.admin?`
    pub(crate) fn is_admin(&self) -> bool {
        self.user.as_ref().is_some_and(|it| it.admin)
    }
}

/// `render`: the content within the layout, under `content_for :title`.
pub(crate) async fn render(
    ctx: &mut Ctx,
    request: &Request,
    visitor: &Visitor,
    status: StatusCode,
    title: Option<&str>,
    content: &Html,
) -> Result<Reply, HandlerError> {
    wants_html(request)?;
    let nonce = layout::nonce(&mut ctx.random);
    let unread = match &visitor.user {
        Some(user) => user.unread_notifications(&mut ctx.tx).await?,
        None => 0,
    };
    let layout = Layout { request, visitor, unread, nonce: &nonce };
    let page = layout.page(ctx, title, content)?;
    let body = page.to_string().into();
    let mut response = response::html(&request.method, &request.headers, status, body);
    response.headers_mut().insert(VARY, response::vary(&request.headers));
    secured(response.into(), &nonce)
}

/// The format of the answer, where a template is rendered that there is in HTML only.
///
/// # Errors
/// Where another is asked for, to which Rails says 406 or 500.
///
/// Source: actionpack 6.1, `http/mime_negotiation.rb`.
pub(crate) fn expect_html(request: &Request, parameters: &Params) -> Result<(), HandlerError> {
    let accept = request.header("accept")?.unwrap_or_default();
    // A list with `*/*` among others is a browser's, and means a page.
    let listed = |it: &str| accept.contains(it);
    let browser = listed(",*/*") || listed(", */*") || listed("*/*,") || listed("*/* ,");
    let page = matches!(accept, "" | "*/*" | "text/html") || browser;
    let script = request.header("x-requested-with")?.is_some();
    if !page || script || parameters.get("format").is_some() {
        return Err(HandlerError::Declined("another format than HTML is asked for"));
    }
    Ok(())
}

/// `redirect_to path`.
pub(crate) fn redirect_to(
    ctx: &mut Ctx,
    request: &Request,
    path: &str,
) -> Result<Reply, HandlerError> {
    if request.base_url.is_empty() {
        return Err(HandlerError::Declined("the request names no host to redirect to"));
    }
    let location = HeaderValue::try_from(format!("{}{path}", request.base_url));
    let location = location.map_err(HandlerError::Header)?;
    let response = response::redirect(&request.method, &request.headers, location);
    let nonce = layout::nonce(&mut ctx.random);
    secured(response.into(), &nonce)
}

/// `redirect_to path, notice: message`.
pub(crate) fn redirect_with_notice(
    ctx: &mut Ctx,
    request: &Request,
    path: &str,
    message: &str,
) -> Result<Reply, HandlerError> {
    ctx.flash(request)?.set("notice", message);
    redirect_to(ctx, request, path)
}

/// `redirect_to path, alert: message`.
pub(crate) fn redirect_with_alert(
    ctx: &mut Ctx,
    request: &Request,
    path: &str,
    message: &str,
) -> Result<Reply, HandlerError> {
    ctx.flash(request)?.set("alert", message);
    redirect_to(ctx, request, path)
}

/// `require_user`, where there is none.
pub(crate) fn login_required(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    redirect_with_alert(ctx, request, "/login", "Please log in first")
}

/// `rescue_from ActiveRecord::RecordNotFound`. A page of Rails' own, such as that for a form from
/// another site, is left to Rails.
pub(crate) async fn rescued(
    ctx: &mut Ctx,
    request: &Request,
    outcome: Result<Reply, HandlerError>,
) -> Result<Reply, HandlerError> {
    match outcome {
        Err(HandlerError::NotFound(_)) => not_found(ctx, request).await,
        other => other,
    }
}

/// `not_found`: the page `errors/not_found`.
pub(crate) async fn not_found(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let content = html!(
        "<h1>Not found</h1>\n<p>There is nothing here (any more). {}</p>\n",
        link_to("Look at our products", "/products", &[])
    );
    let visitor = Visitor::of(ctx, request).await?;
    render(ctx, request, &visitor, StatusCode::NOT_FOUND, Some("Not found"), &content).await
}

/// Whether Rails would look for a page: a client may ask for another format.
///
/// Source: actionpack 6.1, `http/mime_negotiation.rb` (`formats`).
fn wants_html(request: &Request) -> Result<(), HandlerError> {
    let accept = request.header("accept")?.unwrap_or_default();
    let mut types = accept.split(',').map(|it| it.split(';').next().unwrap_or_default().trim());
    // Whoever takes anything among others is a browser.
    let browser = accept.is_empty() || types.any(|it| it == "*/*" || it == "text/html");
    let named = request.query.contains("format=")
        || request.path.rsplit('/').next().is_some_and(|it| it.contains('.'));
    if browser && !named && request.header("x-requested-with")?.is_none() {
        Ok(())
    } else {
        Err(HandlerError::Declined("the client asks for another format than a page"))
    }
}

/// The policy of `config/initializers/content_security_policy.rb`.
fn secured(mut reply: Reply, nonce: &str) -> Result<Reply, HandlerError> {
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; object-src 'none'; connect-src 'self'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).map_err(HandlerError::Header)?;
    // A 304 has none: Rails adds it to what is HTML only.
    if reply.status != StatusCode::NOT_MODIFIED {
        reply.headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(reply)
}
