//! `GET /api/notifications`: the user's own, for scripts.

use http::StatusCode;
use serde::Serialize;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, current_user},
    models::notification::Notification,
    rails::column::DateTime,
};

/// The list as `Api::NotificationsController#index` renders it.
pub const API_LIST: Extraction = Extraction {
    id: "notifications.api_list",
    replaces: "Api::NotificationsController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(list(ctx, request)),
};

async fn list(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.parameters()?;
    let Some(user) = current_user(ctx, request).await? else {
        return api::login_required(request);
    };
    let notifications = Notification::of_user(&mut ctx.tx, user.id).await?;
    let entry = |it: Notification| Entry {
        id: it.id,
        kind: it.kind,
        message: it.message,
        path: it.path,
        read: it.read_at.is_some(),
        created_at: it.created_at,
        age_seconds: (ctx.now - it.created_at.0).whole_seconds(),
    };
    let notifications = notifications.into_iter().map(entry).collect();
    let unread = user.unread_notifications(&mut ctx.tx).await?;
    api::render(request, StatusCode::OK, &List { notifications, unread })
}

/// The answer; the order of its members is part of the API.
#[derive(Debug, Serialize)]
struct List {
    notifications: Vec<Entry>,
    unread: i64,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: i64,
    kind: String,
    message: String,
    path: Option<String>,
    read: bool,
    created_at: DateTime,
    age_seconds: i64,
}
