//! A mistake, how it is put into a correct handler's reply, and what must be found of it.

use bytes::Bytes;
use extracted::{Ctx, Extraction, HandlerError, Reply, Request, catalog, purchasing};
use http::{HeaderName, HeaderValue};
use shadow::{Class, DifferenceKind};

use super::{bodies, fields, json, pages};

/// Where, how, and who would notice.
pub(super) type Expected = (&'static str, DifferenceKind, Class);

/// One mistake.
pub(super) struct Plant {
    /// Names its route, and stands in the path that is asked for.
    pub(super) name: &'static str,
    /// What is asked for.
    pub(super) asked: Asked,
    /// Makes the mistake.
    pub(super) spoil: fn(&mut Reply),
    /// All that must be found, by path and kind.
    pub(super) found: &'static [Expected],
}

/// What a mistake is planted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The specimen, as JSON.
    Product,
    /// The same, as a page.
    Page,
    /// A product that is not there, as JSON.
    Absent,
    /// The page, of somebody whose session is about to be changed as well.
    Session,
    /// An order, of somebody who is not signed in: a redirect.
    Order,
}

impl Asked {
    /// The route whose handler is right, and in front of what the name of the plant stands: Rails
    /// reads an id as far as it is a number.
    pub(super) fn place(self, specimen: u64) -> (&'static Extraction, String) {
        match self {
            Self::Product => (&catalog::show::SHOW, format!("/api/products/{specimen}")),
            Self::Page | Self::Session => {
                (&catalog::product::PRODUCT, format!("/products/{specimen}"))
            }
            Self::Absent => (&catalog::show::SHOW, "/api/products/999999".to_owned()),
            Self::Order => (&purchasing::order::ORDER, "/orders/1".to_owned()),
        }
    }

    /// The correct handler, with what the request's path names planted into its reply.
    pub(super) fn planted(self, id: &'static str) -> Extraction {
        let (correct, _) = self.place(0);
        let run: for<'a> fn(&'a mut Ctx, &'a Request) -> extracted::HandlerFuture<'a> = match self {
            Self::Product | Self::Absent => {
                |ctx, request| Box::pin(plant(ctx, request, catalog::show::SHOW))
            }
            Self::Session => |ctx, request| Box::pin(plant_in_session(ctx, request)),
            Self::Page => |ctx, request| Box::pin(plant(ctx, request, catalog::product::PRODUCT)),
            Self::Order => |ctx, request| Box::pin(plant(ctx, request, purchasing::order::ORDER)),
        };
        Extraction { id, run, ..*correct }
    }
}

/// Every mistake.
pub(super) fn all() -> impl Iterator<Item = &'static Plant> {
    [bodies::PLANTS, fields::PLANTS, json::PLANTS, pages::PLANTS].into_iter().flatten()
}

async fn plant(
    ctx: &mut Ctx,
    request: &Request,
    correct: Extraction,
) -> Result<Reply, HandlerError> {
    let (request, name) = unnamed(request);
    // With the session's cookie, which is a place for mistakes too.
    let mut reply = correct.answer(ctx, &request).await?;
    let plant = all().find(|it| it.name == name).expect("only plants are routed");
    (plant.spoil)(&mut reply);
    Ok(reply)
}

async fn plant_in_session(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let (request, _) = unnamed(request);
    let reply = (catalog::product::PRODUCT.run)(ctx, &request).await?;
    ctx.session(&request)?.set("cart_id", 1_i64);
    Ok(reply)
}

/// The request as the correct handler would see it, and the name of what is planted.
fn unnamed(request: &Request) -> (Request, &str) {
    let last = request.path.rsplit('/').next().unwrap();
    let (id, name) = last.split_once('-').expect("a name stands behind the id");
    (Request { params: vec![("id".to_owned(), id.to_owned())], ..request.clone() }, name)
}

/// Writes `to` where the body has `from` for the first time.
pub(super) fn swap(reply: &mut Reply, from: &str, to: &str) {
    let text = str::from_utf8(&reply.body).expect("replies are UTF-8 until they are spoiled");
    assert!(text.contains(from), "{from} is not in {text}");
    reply.body = Bytes::from(text.replacen(from, to, 1));
}

/// Writes `to` where a field's lines have `from`.
pub(super) fn swap_in_field(reply: &mut Reply, field: &'static str, from: &str, to: &str) {
    let field = HeaderName::from_static(field);
    let lines: Vec<_> = reply.headers.get_all(&field).iter().cloned().collect();
    assert!(!lines.is_empty(), "{field} is not there");
    reply.headers.remove(&field);
    for line in lines {
        let text = line.to_str().expect("fields are text");
        assert!(text.contains(from), "{from} is not in {text}");
        reply.headers.append(&field, HeaderValue::from_str(&text.replacen(from, to, 1)).unwrap());
    }
}

/// Takes a field away.
pub(super) fn remove(reply: &mut Reply, field: &str) {
    assert!(reply.headers.remove(field).is_some(), "{field} is not there");
}

/// Adds a line to those that a field has.
pub(super) fn append(reply: &mut Reply, field: &'static str, line: &'static str) {
    reply.headers.append(field, HeaderValue::from_static(line));
}
