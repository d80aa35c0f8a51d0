//! `GET /api/orders/{id}`.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, current_user, given},
    models::order::Order,
    serializers,
};

/// The order as `Api::OrdersController#show` renders it.
pub const API_ORDER: Extraction = Extraction {
    id: "purchasing.api_order",
    replaces: "Api::OrdersController#show",
    effects: Effects::None,
    run: |ctx, request| Box::pin(async move { api::rescued(request, show(ctx, request).await) }),
};

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?.all;
    let user = current_user(ctx, request).await?;
    let Some(user) = user else { return api::login_required(request) };
    let id = given::id(parameters.get("id"))?;
    render(ctx, request, StatusCode::OK, user.id, id).await
}

/// `render json: OrderSerializer.new(order).as_json`, of this order of this user's.
pub(super) async fn render(
    ctx: &mut Ctx,
    request: &Request,
    status: StatusCode,
    user_id: i64,
    id: Option<i64>,
) -> Result<Reply, HandlerError> {
    let order = Order::of_user(&mut ctx.tx, user_id, id).await?;
    let lines = order.lines(&mut ctx.tx).await?;
    let payments = order.payments(&mut ctx.tx).await?;
    api::render(request, status, &serializers::order(&order, &lines, &payments))
}
