//! `POST /notifications/{id}/read`.

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{current_user, pages},
    models::notification::Notification,
};

/// As `NotificationsController#read`.
pub const READ: Extraction = Extraction {
    id: "notifications.read",
    replaces: "NotificationsController#read",
    effects: Effects::Rows,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = read(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

async fn read(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.posted()?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let Some(user) = current_user(ctx, request).await? else {
        return pages::login_required(ctx, request);
    };
    let id = request.id("id")?;
    let notification = Notification::find_by_id(&mut ctx.tx, user.id, id).await?;
    let notification = notification.ok_or(HandlerError::NotFound("Notification"))?;
    notification.read(&mut ctx.tx, ctx.now).await?;
    pages::redirect_to(ctx, request, "/notifications")
}
