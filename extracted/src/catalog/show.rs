//! `GET /api/products/{id}`: one product with everything around it. Counts the view.

use http::StatusCode;
use rand::seq::SliceRandom as _;
use sqlx::types::Decimal;
use time::PrimitiveDateTime;

use super::serialized;
use crate::{
    Ctx, Effects, Extraction, HandlerError, Reply, Request,
    rails::{
        json::{Json, object},
        query::to_i,
        reply,
    },
};

/// `catalog.show`.
pub const SHOW: Extraction = Extraction {
    id: "catalog.show",
    replaces: "Api::ProductsController#show",
    effects: Effects::Rows,
    run: |ctx, request| Box::pin(show(ctx, request)),
};

const DAY: i64 = 24 * 60 * 60;

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    // `find("12abc")` finds 12.
    let id = to_i(request.param("id")?);
    let Some(product) = Product::find(ctx, id).await? else {
        let body = r#"{"error":"Product not found"}"#.to_owned();
        return Ok(reply::json(request, StatusCode::NOT_FOUND, body));
    };
    let details = serialized(product.details.as_deref())?;
    let tags = serialized(product.tags.as_deref())?;
    let variants = product.variants(ctx).await?;
    let related = product.related(ctx).await?;
    let promotions = product.promotions(ctx).await?;
    // Last, so that the row is locked for the shortest time: Rails' own views wait for it.
    let views = product.record_view(ctx).await?;

    let age = (ctx.now - product.listed_at.assume_utc()).whole_seconds();
    let in_stock = variants.iter().any(|it| it.stock > 0);
    let mut body = String::new();
    object(&mut body, |it| {
        it.member("id", product.id)
            .member("name", &product.name)
            .member("slug", &product.slug)
            .member("subtitle", &product.subtitle)
            .member("description", &product.description)
            .member("price", product.price)
            .member("currency", &product.currency)
            .member("category", &product.category)
            .member("brand", &product.brand)
            .member("details", &details)
            .member("tags", &tags)
            .member("rating", product.rating)
            .member("in_stock", in_stock)
            .member("listed_at", product.listed_at)
            .member("updated_at", product.updated_at)
            .member("age_days", age.div_euclid(DAY))
            .member("age_seconds", age)
            .member("views", views)
            .member("viewed_at", ctx.now)
            .member("variants", &variants)
            .member("related", &related)
            .member("promotions", &promotions);
    });
    Ok(reply::json(request, StatusCode::OK, body))
}

#[derive(sqlx::FromRow)]
struct Product {
    id: i64,
    name: String,
    slug: String,
    subtitle: Option<String>,
    description: String,
    price: Decimal,
    currency: String,
    category: String,
    brand: String,
    details: Option<String>,
    tags: Option<String>,
    rating: Option<f64>,
    listed_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
}

impl Product {
    /// Soft-deleted products are hidden, as by the model's default scope.
    async fn find(ctx: &mut Ctx, id: i64) -> Result<Option<Self>, HandlerError> {
        let product = sqlx::query_as(
            "SELECT id, name, slug, subtitle, description, price, currency, category, brand, details, \
             tags, rating, listed_at, updated_at FROM products WHERE deleted_at IS NULL AND id = ?",
        )
        .bind(id)
        .fetch_optional(&mut *ctx.tx)
        .await?;
        Ok(product)
    }

    async fn variants(&self, ctx: &mut Ctx) -> Result<Vec<Variant>, HandlerError> {
        let variants = sqlx::query_as(
            "SELECT id, sku, title, price, stock FROM variants WHERE product_id = ? \
             ORDER BY position ASC, id ASC",
        )
        .bind(self.id)
        .fetch_all(&mut *ctx.tx)
        .await?;
        Ok(variants)
    }

    /// The next products of the category, shuffled.
    async fn related(&self, ctx: &mut Ctx) -> Result<Vec<Related>, HandlerError> {
        let mut related: Vec<Related> = sqlx::query_as(
            "SELECT id, name, price FROM products WHERE deleted_at IS NULL AND category = ? AND id > ? \
             ORDER BY id ASC LIMIT 6",
        )
        .bind(&self.category)
        .bind(self.id)
        .fetch_all(&mut *ctx.tx)
        .await?;
        related.shuffle(&mut ctx.random);
        Ok(related)
    }

    /// `Promotion.automatic.active.for_category(category)`.
    async fn promotions(&self, ctx: &mut Ctx) -> Result<Vec<Promotion>, HandlerError> {
        let now = PrimitiveDateTime::new(ctx.now.date(), ctx.now.time());
        let promotions = sqlx::query_as(
            "SELECT code, name FROM promotions WHERE automatic = TRUE \
             AND (starts_at IS NULL OR starts_at <= ?) AND (ends_at IS NULL OR ends_at > ?) \
             AND (usage_limit IS NULL OR used_count < usage_limit) \
             AND (category = ? OR category IS NULL)",
        )
        .bind(now)
        .bind(now)
        .bind(&self.category)
        .fetch_all(&mut *ctx.tx)
        .await?;
        Ok(promotions)
    }

    /// `CountsViews#record_view!`: one more, `updated_at` unmoved; answers the new count.
    async fn record_view(&self, ctx: &mut Ctx) -> Result<i32, HandlerError> {
        sqlx::query("UPDATE products SET views_count = COALESCE(views_count, 0) + 1 WHERE id = ?")
            .bind(self.id)
            .execute(&mut *ctx.tx)
            .await?;
        let views = sqlx::query_scalar("SELECT views_count FROM products WHERE id = ?")
            .bind(self.id)
            .fetch_one(&mut *ctx.tx)
            .await?;
        Ok(views)
    }
}

#[derive(sqlx::FromRow)]
struct Variant {
    id: i64,
    sku: String,
    title: String,
    price: Decimal,
    stock: i32,
}

impl Json for Variant {
    fn write(&self, out: &mut String) {
        object(out, |it| {
            it.member("id", self.id)
                .member("sku", &self.sku)
                .member("title", &self.title)
                .member("price", self.price)
                .member("stock", self.stock);
        });
    }
}

#[derive(sqlx::FromRow)]
struct Related {
    id: i64,
    name: String,
    price: Decimal,
}

impl Json for Related {
    fn write(&self, out: &mut String) {
        object(out, |it| {
            it.member("id", self.id).member("name", &self.name).member("price", self.price);
        });
    }
}

#[derive(sqlx::FromRow)]
struct Promotion {
    code: String,
    name: String,
}

impl Json for Promotion {
    fn write(&self, out: &mut String) {
        object(out, |it| {
            it.member("code", &self.code).member("name", &self.name);
        });
    }
}
