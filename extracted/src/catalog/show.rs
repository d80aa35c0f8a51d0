//! `GET /api/products/{id}`: one product with its variants, related products and promotions.

use http::StatusCode;
use rand::seq::SliceRandom as _;
use serde::Serialize;
use sqlx::{FromRow, Row as _, mysql::MySqlRow};
use time::OffsetDateTime;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::api,
    models::product::record_view,
    rails::column::{BigDecimal, DateTime, SerializedJson},
};

/// The product as `Api::ProductsController#show` renders it. Counts the view.
pub const SHOW: Extraction = Extraction {
    id: "catalog.show",
    replaces: "Api::ProductsController#show",
    effects: Effects::Counters,
    run: |ctx, request| Box::pin(show(ctx, request)),
};

const DAY: i64 = 24 * 60 * 60;

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    request.query()?; // reads nothing from it, but Rails refuses a malformed one
    let id = request.id("id")?;
    let Some((product, variants)) = find(ctx, id).await? else {
        return api::render(
            request,
            StatusCode::NOT_FOUND,
            &NotFound { error: "Product not found" },
        );
    };
    let (related, promotions) = beside(ctx, &product).await?;
    // Rails counts first. Here the count locks the row until the caller commits: so it comes last.
    let views = record_view(&mut ctx.tx, id).await?;
    let page = Page {
        age: Age::of(product.listed_at, ctx.now),
        views,
        viewed_at: DateTime(ctx.now),
        variants,
        related,
        promotions,
        product,
    };
    api::render(request, StatusCode::OK, &page)
}

/// The product and its variants, at once: a round trip to the database is what a handler costs most.
async fn find(ctx: &mut Ctx, id: i64) -> Result<Option<(Product, Vec<Variant>)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT products.id, name, slug, subtitle, description, products.price, currency, category, \
         brand, details, tags, rating, listed_at, products.updated_at, \
         variants.id AS variant_id, sku, title, variants.price AS variant_price, stock \
         FROM products LEFT JOIN variants ON product_id = products.id \
         WHERE deleted_at IS NULL AND products.id = ? ORDER BY position, variants.id",
    )
    .bind(id)
    .fetch_all(&mut *ctx.tx)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut product = Product::from_row(first)?;
    let has_variants = first.try_get::<Option<i64>, _>("variant_id")?.is_some();
    let variants: &[MySqlRow] = if has_variants { &rows } else { &[] };
    let variants: Vec<_> = variants.iter().map(Variant::from_row).collect::<Result<_, _>>()?;
    product.in_stock = variants.iter().any(|it| it.stock > 0);
    Ok(Some((product, variants)))
}

/// The next products of the category, shuffled: customers got bored of a fixed order. And, at once
/// with them, what is taken off without a code, now and in this category; like the monolith's,
/// without an order.
async fn beside(
    ctx: &mut Ctx,
    product: &Product,
) -> Result<(Vec<Related>, Vec<Promotion>), sqlx::Error> {
    let rows: Vec<Beside> = sqlx::query_as(
        "(SELECT id, name, price, NULL AS code FROM products \
         WHERE deleted_at IS NULL AND category = ? AND id > ? ORDER BY id LIMIT 6) \
         UNION ALL SELECT NULL, name, NULL, code FROM promotions WHERE automatic = TRUE \
         AND (starts_at IS NULL OR starts_at <= ?) AND (ends_at IS NULL OR ends_at > ?) \
         AND (usage_limit IS NULL OR used_count < usage_limit) \
         AND (category = ? OR category IS NULL)",
    )
    .bind(&product.category)
    .bind(product.id)
    .bind(ctx.now)
    .bind(ctx.now)
    .bind(&product.category)
    .fetch_all(&mut *ctx.tx)
    .await?;
    let (mut related, mut promotions) = (Vec::new(), Vec::new());
    for Beside { id, name, price, code } in rows {
        match (id, price, code) {
            (Some(id), Some(price), _) => related.push(Related { id, name, price }),
            (_, _, code) => promotions.push(Promotion { code, name }),
        }
    }
    related.shuffle(&mut ctx.random);
    Ok((related, promotions))
}

#[derive(Debug, Serialize)]
struct NotFound {
    error: &'static str,
}

/// `ProductSerializer.full`; the order of the members is part of the API.
#[derive(Debug, Serialize)]
struct Page {
    #[serde(flatten)]
    product: Product,
    #[serde(flatten)]
    age: Age,
    views: u64,
    viewed_at: DateTime,
    variants: Vec<Variant>,
    related: Vec<Related>,
    promotions: Vec<Promotion>,
}

#[derive(Debug, FromRow, Serialize)]
struct Product {
    id: i64,
    name: String,
    slug: String,
    subtitle: Option<String>,
    description: String,
    price: BigDecimal,
    currency: String,
    category: String,
    brand: String,
    details: Option<SerializedJson>,
    tags: Option<SerializedJson>,
    rating: Option<f64>,
    /// Of any variant.
    #[sqlx(skip)]
    in_stock: bool,
    listed_at: DateTime,
    updated_at: DateTime,
}

/// How long a product has been listed.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Age {
    #[serde(rename = "age_days")]
    days: i64,
    #[serde(rename = "age_seconds")]
    seconds: i64,
}

impl Age {
    /// Ruby cuts the seconds towards zero and divides towards the past.
    fn of(listed_at: DateTime, now: OffsetDateTime) -> Self {
        let seconds = (now - listed_at.0).whole_seconds();
        Self { days: seconds.div_euclid(DAY), seconds }
    }
}

#[derive(Debug, FromRow, Serialize)]
struct Variant {
    #[sqlx(rename = "variant_id")]
    id: i64,
    sku: String,
    title: String,
    #[sqlx(rename = "variant_price")]
    price: BigDecimal,
    stock: i32,
}

/// A related product, or without an id a promotion.
#[derive(Debug, FromRow)]
struct Beside {
    id: Option<i64>,
    name: String,
    price: Option<BigDecimal>,
    code: Option<String>,
}

#[derive(Debug, Serialize)]
struct Related {
    id: i64,
    name: String,
    price: BigDecimal,
}

#[derive(Debug, Serialize)]
struct Promotion {
    code: Option<String>,
    name: String,
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn age_is_cut_towards_zero_and_its_days_towards_the_past() {
        let now = datetime!(2026-01-02 00:00:00.5 UTC);
        for (listed_at, days, seconds) in [
            (datetime!(2026-01-01 00:00:00.6 UTC), 0, 86_399),
            (datetime!(2026-01-01 00:00:00.5 UTC), 1, 86_400),
            (datetime!(2026-01-02 00:00:01 UTC), 0, 0),
            (datetime!(2026-01-02 00:00:01.5 UTC), -1, -1),
        ] {
            assert_eq!(Age::of(DateTime(listed_at), now), Age { days, seconds }, "{listed_at}");
        }
    }

    #[test]
    fn members_are_written_in_the_order_of_the_monolith() {
        let at = DateTime(datetime!(2026-01-02 00:00 UTC));
        let product = Product {
            id: 7,
            name: "Lamp".to_owned(),
            slug: "lamp".to_owned(),
            subtitle: None,
            description: "Bright".to_owned(),
            price: BigDecimal("19.90".parse().unwrap()),
            currency: "EUR".to_owned(),
            category: "Home".to_owned(),
            brand: "Lux".to_owned(),
            details: None,
            tags: Some(SerializedJson(serde_json::json!(["a"]))),
            rating: Some(4.0),
            in_stock: true,
            listed_at: at,
            updated_at: at,
        };
        let page = Page {
            product,
            age: Age { days: 0, seconds: 5 },
            views: 3,
            viewed_at: at,
            variants: Vec::new(),
            related: Vec::new(),
            promotions: Vec::new(),
        };
        let body = crate::rails::json::encode(&page).unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            concat!(
                r#"{"id":7,"name":"Lamp","slug":"lamp","subtitle":null,"description":"Bright","#,
                r#""price":"19.9","currency":"EUR","category":"Home","brand":"Lux","details":null,"#,
                r#""tags":["a"],"rating":4.0,"in_stock":true,"listed_at":"2026-01-02T00:00:00.000Z","#,
                r#""updated_at":"2026-01-02T00:00:00.000Z","age_days":0,"age_seconds":5,"views":3,"#,
                r#""viewed_at":"2026-01-02T00:00:00.000Z","variants":[],"related":[],"promotions":[]}"#
            )
        );
    }
}
