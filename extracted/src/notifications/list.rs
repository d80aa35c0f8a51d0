//! `GET /notifications`: the user's own, newest first.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::notification::Notification,
    rails::html::{Html, html, link_to},
    views::{helpers::ago, layout::button},
};

/// The page as `NotificationsController#index` renders it.
pub const LIST: Extraction = Extraction {
    id: "notifications.list",
    replaces: "NotificationsController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(list(ctx, request)),
};

async fn list(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.parameters()?;
    let visitor = Visitor::of(ctx, request).await?;
    let Some(user) = &visitor.user else { return pages::login_required(ctx, request) };
    let notifications = Notification::newest_first(&mut ctx.tx, user.id).await?;
    let page = page(ctx, request, &notifications)?;
    pages::render(ctx, request, &visitor, StatusCode::OK, Some("Notifications"), &page).await
}

/// `views/notifications/index.html.erb`
fn page(
    ctx: &mut Ctx,
    request: &Request,
    notifications: &[Notification],
) -> Result<Html, HandlerError> {
    let nothing = notifications.is_empty().then(|| Html::trusted("<p>Nothing yet.</p>"));
    let mut page = html!("<h1>Notifications</h1>\n{}\n", nothing);
    for notification in notifications {
        page.push(&card(ctx, request, notification)?);
    }
    Ok(page)
}

fn card(
    ctx: &mut Ctx,
    request: &Request,
    notification: &Notification,
) -> Result<Html, HandlerError> {
    let message = match &notification.path {
        Some(path) => link_to(&notification.message, path, &[]),
        None => Html::text(&notification.message),
    };
    let read = if notification.read_at.is_some() {
        Html::default()
    } else {
        let path = format!("/notifications/{}/read", notification.id);
        html!("      {}\n", button(ctx, request, "Mark as read", &path, "post")?)
    };
    Ok(html!(
        "  <div class=\"card\">\n    {}\n    <span class=\"muted\">{}</span>\n{}  </div>\n",
        message,
        ago(ctx.now, notification.created_at.0),
        read
    ))
}
