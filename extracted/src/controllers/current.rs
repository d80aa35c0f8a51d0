//! Who is asking, and with which cart: the concerns `Authentication` and `CurrentCart`.

use crate::{
    contract::{Ctx, HandlerError, Request},
    models::{cart::Cart, user::User},
    rails::value::Value,
};

/// Where a session keeps who is signed in.
const USER: &str = "user_id";
/// Where a session keeps a visitor's cart.
const CART: &str = "cart_id";

/// `current_user`: the session's.
pub(crate) async fn current_user(
    ctx: &mut Ctx,
    request: &Request,
) -> Result<Option<User>, HandlerError> {
    let Some(id) = id_in_session(ctx, request, USER)? else { return Ok(None) };
    Ok(User::find_by_id(&mut ctx.tx, id).await?)
}

/// `current_cart`: the user's, or the session's; a new one where there is none.
pub(crate) async fn current_cart(
    ctx: &mut Ctx,
    request: &Request,
    user: Option<&User>,
) -> Result<Cart, HandlerError> {
    let cart = match user {
        Some(user) => Cart::of_user(&mut ctx.tx, user.id).await?,
        None => visitors_cart(ctx, request).await?,
    };
    Ok(cart.unwrap_or_else(|| Cart::new(user.map(|it| it.id))))
}

/// The cart that the session names, of somebody who is not signed in.
async fn visitors_cart(ctx: &mut Ctx, request: &Request) -> Result<Option<Cart>, HandlerError> {
    let Some(id) = id_in_session(ctx, request, CART)? else { return Ok(None) };
    Ok(Cart::of_visitor(&mut ctx.tx, id).await?)
}

/// `current_cart!`: a cart that has a row, which a visitor's session names.
pub(crate) async fn keep_cart(
    ctx: &mut Ctx,
    request: &Request,
    user: Option<&User>,
    cart: &mut Cart,
) -> Result<i64, HandlerError> {
    let id = cart.save(&mut ctx.tx, ctx.now).await?;
    if user.is_none() {
        ctx.session(request)?.set(CART, id);
    }
    Ok(id)
}

/// Locks the cart of whoever is signed in: another click waits here, and then sees what this one left.
///
/// In Rails the transaction begins with that lock. Here it has begun already, and what MySQL shows of
/// the lines is as it was at the transaction's first plain read: so this must come before all reads,
/// also before it is known whether there is such a user.
pub(crate) async fn lock_cart(ctx: &mut Ctx, request: &Request) -> Result<(), HandlerError> {
    if let Some(id) = id_in_session(ctx, request, USER)? {
        Cart::lock_of_user(&mut ctx.tx, id).await?;
    }
    Ok(())
}

/// `sign_in(user)`: another session on every change of identity (session fixation); the visitor's
/// cart comes along.
pub(crate) async fn sign_in(
    ctx: &mut Ctx,
    request: &Request,
    user: &User,
) -> Result<(), HandlerError> {
    let visitors = visitors_cart(ctx, request).await?;
    ctx.reset_session(request)?;
    ctx.session(request)?.set(USER, user.id);
    if let Some(visitors) = visitors {
        let mut cart = current_cart(ctx, request, Some(user)).await?;
        keep_cart(ctx, request, Some(user), &mut cart).await?;
        cart.absorb(&mut ctx.tx, ctx.now, visitors).await?;
    }
    Ok(())
}

/// `sign_out`.
pub(crate) fn sign_out(ctx: &mut Ctx, request: &Request) -> Result<(), HandlerError> {
    ctx.reset_session(request)
}

fn id_in_session(ctx: &mut Ctx, request: &Request, key: &str) -> Result<Option<i64>, HandlerError> {
    match ctx.session(request)?.get(key) {
        None => Ok(None),
        Some(Value::Integer(id)) => Ok(Some(*id)),
        Some(_) => Err(HandlerError::Declined("an id in the session is no number")),
    }
}
