//! `GET /api/products`: a page of the catalogue.

use http::StatusCode;
use sqlx::{MySql, QueryBuilder, types::Decimal};
use time::PrimitiveDateTime;

use super::serialized;
use crate::{
    Ctx, Effects, Extraction, HandlerError, Reply, Request,
    rails::{
        json::{Json, object},
        query::{Query, to_i},
        reply,
    },
};

/// `catalog.list`.
pub const LIST: Extraction = Extraction {
    id: "catalog.list",
    replaces: "Api::ProductsController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(list(ctx, request)),
};

/// `Product::PER_PAGE` and `Product::MAX_PER_PAGE`.
const PER_PAGE: i64 = 20;
const MAX_PER_PAGE: i64 = 100;

async fn list(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let search = Search::of(&Query::parse(&request.query)?)?;
    let products = search.page_query().build_query_as::<Summary>().fetch_all(&mut *ctx.tx).await?;
    let total: i64 = search.count_query().build_query_scalar().fetch_one(&mut *ctx.tx).await?;

    let products = products.into_iter().map(Summary::parsed).collect::<Result<Vec<_>, _>>()?;
    let mut body = String::new();
    object(&mut body, |it| {
        it.member("products", products)
            .member("page", search.page)
            .member("per_page", search.per_page)
            .member("total", total)
            .member("total_pages", (total + search.per_page - 1) / search.per_page)
            .member("generated_at", ctx.now);
    });
    Ok(reply::json(request, StatusCode::OK, body))
}

/// What was asked for, as `Product.search` and `Page.of` read it.
struct Search {
    name_like: Option<String>,
    category: Option<String>,
    order: &'static str,
    page: i64,
    per_page: i64,
}

impl Search {
    fn of(query: &Query) -> Result<Self, HandlerError> {
        let page = query.get("page").map_or(0, to_i).max(1);
        let per_page = present(query.get("per_page")).map_or(PER_PAGE, to_i).clamp(1, MAX_PER_PAGE);
        if page.checked_mul(per_page).is_none() {
            return Err(HandlerError::Declined("page number beyond what MySQL counts"));
        }
        Ok(Self {
            name_like: present(query.get("q")).map(contains),
            category: present(query.get("category")).map(str::to_owned),
            order: match query.get("sort") {
                Some("price_asc") => "price ASC, id ASC",
                Some("price_desc") => "price DESC, id ASC",
                Some("name") => "name ASC, id ASC",
                _ => "listed_at DESC, id DESC",
            },
            page,
            per_page,
        })
    }

    fn page_query(&self) -> QueryBuilder<MySql> {
        let mut query = QueryBuilder::new(
            "SELECT id, name, slug, subtitle, price, currency, category, rating, tags, listed_at, \
             EXISTS (SELECT 1 FROM variants WHERE product_id = products.id AND stock > 0) AS in_stock \
             FROM products",
        );
        self.conditions(&mut query);
        query.push(" ORDER BY ").push(self.order);
        query.push(" LIMIT ").push_bind(self.per_page);
        query.push(" OFFSET ").push_bind((self.page - 1) * self.per_page);
        query
    }

    fn count_query(&self) -> QueryBuilder<MySql> {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM products");
        self.conditions(&mut query);
        query
    }

    fn conditions(&self, query: &mut QueryBuilder<MySql>) {
        query.push(" WHERE deleted_at IS NULL");
        if let Some(pattern) = &self.name_like {
            query.push(" AND name LIKE ").push_bind(pattern.clone());
        }
        if let Some(category) = &self.category {
            query.push(" AND category = ").push_bind(category.clone());
        }
    }
}

/// `String#presence`: blank is as good as absent.
fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|it| !it.trim().is_empty())
}

/// `"%#{sanitize_sql_like(text)}%"`.
fn contains(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[derive(sqlx::FromRow)]
struct Summary {
    id: i64,
    name: String,
    slug: String,
    subtitle: Option<String>,
    price: Decimal,
    currency: String,
    category: String,
    rating: Option<f64>,
    tags: Option<String>,
    listed_at: PrimitiveDateTime,
    in_stock: bool,
}

/// `ProductSerializer.summary`, its serialized column parsed.
struct Item {
    row: Summary,
    tags: serde_json::Value,
}

impl Summary {
    fn parsed(self) -> Result<Item, HandlerError> {
        Ok(Item { tags: serialized(self.tags.as_deref())?, row: self })
    }
}

impl Json for Item {
    fn write(&self, out: &mut String) {
        let Self { row, tags } = self;
        object(out, |it| {
            it.member("id", row.id)
                .member("name", &row.name)
                .member("slug", &row.slug)
                .member("subtitle", &row.subtitle)
                .member("price", row.price)
                .member("currency", &row.currency)
                .member("category", &row.category)
                .member("rating", row.rating)
                .member("in_stock", row.in_stock)
                .member("tags", tags)
                .member("listed_at", row.listed_at);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(query: &str) -> Search {
        Search::of(&Query::parse(query).unwrap()).unwrap()
    }

    #[test]
    fn page_numbers_are_read_as_rails_reads_them() {
        for (query, page, per_page) in [
            ("", 1, 20), ("page=3&per_page=10", 3, 10), ("page=-1", 1, 20), ("page=abc", 1, 20),
            ("page=1.9", 1, 20), ("per_page=0", 1, 1), ("per_page=1000", 1, 100), ("per_page=+", 1, 20),
        ] {
            let search = search(query);
            assert_eq!((search.page, search.per_page), (page, per_page), "{query}");
        }
        let huge = Query::parse("page=99999999999999999999").unwrap();
        assert!(matches!(Search::of(&huge), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn what_like_would_take_for_a_wildcard_is_escaped() {
        assert_eq!(search("q=100%25_\\").name_like.as_deref(), Some("%100\\%\\_\\\\%"));
        assert_eq!(search("q=+").name_like, None);
    }

    #[test]
    fn an_unknown_order_is_the_newest_first() {
        assert_eq!(search("sort=price_asc").order, "price ASC, id ASC");
        assert_eq!(search("sort=drop").order, "listed_at DESC, id DESC");
    }
}
