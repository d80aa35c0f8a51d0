//! `GET /api/products`: a page of the catalogue, filtered and sorted.

use http::StatusCode;
use serde::Serialize;
use sqlx::FromRow;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::api,
    models::listing::{Listing, MAX_PER_PAGE, PER_PAGE},
    rails::{
        column::{BigDecimal, DateTime, SerializedJson},
        string::{presence, to_i},
    },
};

/// The list as `Api::ProductsController#index` renders it.
pub const LIST: Extraction = Extraction {
    id: "catalog.list",
    replaces: "Api::ProductsController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(list(ctx, request)),
};

const COLUMNS: &str =
    "id, name, slug, subtitle, price, currency, category, rating, tags, listed_at";

async fn list(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let query = request.query()?;
    let listing = Listing::new(|name| query.get(name), per_page(query.get("per_page")))?;
    let mut products = listing.products(COLUMNS);
    let products: Vec<Summary> = products.build_query_as().fetch_all(&mut *ctx.tx).await?;
    let total: i64 = listing.total().build_query_scalar().fetch_one(&mut *ctx.tx).await?;
    let list = List {
        products,
        page: listing.page,
        per_page: listing.per_page,
        total,
        total_pages: listing.total_pages(total),
        generated_at: DateTime(ctx.now),
    };
    api::render(request, StatusCode::OK, &list)
}

/// The answer; the order of its members is part of the API.
#[derive(Debug, Serialize)]
struct List {
    products: Vec<Summary>,
    page: i64,
    per_page: i64,
    total: i64,
    total_pages: i64,
    generated_at: DateTime,
}

/// `ProductSerializer.summary`.
#[derive(Debug, FromRow, Serialize)]
struct Summary {
    id: i64,
    name: String,
    slug: String,
    subtitle: Option<String>,
    price: BigDecimal,
    currency: String,
    category: String,
    rating: Option<f64>,
    in_stock: bool,
    tags: Option<SerializedJson>,
    listed_at: DateTime,
}

/// `per_page`, within its bounds.
fn per_page(given: Option<&str>) -> i64 {
    presence(given).map_or(PER_PAGE, to_i).clamp(1, MAX_PER_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_between_one_and_a_hundred() {
        for (given, size) in [
            (None, 20),
            (Some(""), 20),
            (Some("0"), 1),
            (Some("-5"), 1),
            (Some("x"), 1),
            (Some("101"), 100),
        ] {
            assert_eq!(per_page(given), size, "{given:?}");
        }
    }
}
