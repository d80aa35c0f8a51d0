//! `GET /api/products`: a page of the catalogue, filtered and sorted.

use http::StatusCode;
use serde::Serialize;
use sqlx::{FromRow, MySql, QueryBuilder};

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::api,
    rails::{
        column::{BigDecimal, DateTime, SerializedJson},
        database::sanitize_sql_like,
        query::Query,
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

const PER_PAGE: i64 = 20;
const MAX_PER_PAGE: i64 = 100;

/// Rows before a page beyond this one do not fit into 64 bits; Ruby goes on counting.
const LAST_PAGE: i64 = i64::MAX / MAX_PER_PAGE;

async fn list(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let search = Search::new(&request.query()?)?;
    let products: Vec<Summary> = search.products().build_query_as().fetch_all(&mut *ctx.tx).await?;
    let total: i64 = search.total().build_query_scalar().fetch_one(&mut *ctx.tx).await?;
    let list = List {
        products,
        page: search.page,
        per_page: search.per_page,
        total,
        total_pages: (total + search.per_page - 1) / search.per_page,
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

/// What the buyer asked for.
#[derive(Debug, PartialEq, Eq)]
struct Search {
    named_like: Option<String>,
    category: Option<String>,
    order: &'static str,
    page: i64,
    per_page: i64,
}

impl Search {
    fn new(query: &Query) -> Result<Self, HandlerError> {
        let page = query.get("page").map_or(1, to_i).max(1);
        if page > LAST_PAGE {
            return Err(HandlerError::Declined("the page number exceeds 64 bits of rows"));
        }
        Ok(Self {
            named_like: presence(query.get("q")).map(|it| format!("%{}%", sanitize_sql_like(it))),
            category: presence(query.get("category")).map(str::to_owned),
            order: match query.get("sort") {
                Some("price_asc") => "price ASC, id ASC",
                Some("price_desc") => "price DESC, id ASC",
                Some("name") => "name ASC, id ASC",
                _ => "listed_at DESC, id DESC",
            },
            page,
            per_page: presence(query.get("per_page")).map_or(PER_PAGE, to_i).clamp(1, MAX_PER_PAGE),
        })
    }

    fn products(&self) -> QueryBuilder<MySql> {
        let mut sql = QueryBuilder::new(
            "SELECT id, name, slug, subtitle, price, currency, category, rating, tags, listed_at, \
             EXISTS (SELECT 1 FROM variants WHERE product_id = products.id AND stock > 0) AS in_stock \
             FROM products",
        );
        self.filter(&mut sql);
        sql.push(" ORDER BY ").push(self.order);
        sql.push(" LIMIT ").push_bind(self.per_page);
        sql.push(" OFFSET ").push_bind((self.page - 1) * self.per_page);
        sql
    }

    fn total(&self) -> QueryBuilder<MySql> {
        let mut sql = QueryBuilder::new("SELECT COUNT(*) FROM products");
        self.filter(&mut sql);
        sql
    }

    fn filter(&self, sql: &mut QueryBuilder<MySql>) {
        sql.push(" WHERE deleted_at IS NULL");
        if let Some(pattern) = &self.named_like {
            sql.push(" AND name LIKE ").push_bind(pattern.clone());
        }
        if let Some(category) = &self.category {
            sql.push(" AND category = ").push_bind(category.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(query: &str) -> Result<Search, HandlerError> {
        Search::new(&Query::parse(query)?)
    }

    #[test]
    fn without_parameters_it_is_the_first_page_of_the_newest() {
        let newest = Search {
            named_like: None,
            category: None,
            order: "listed_at DESC, id DESC",
            page: 1,
            per_page: 20,
        };
        assert_eq!(search("").unwrap(), newest);
        assert_eq!(search("q=+&category=&sort=cheap&page&per_page=").unwrap(), newest);
    }

    #[test]
    fn page_numbers_below_one_and_junk_mean_page_one() {
        for (query, page) in
            [("page=3", 3), ("page=0", 1), ("page=-2", 1), ("page=abc", 1), ("page=2.9", 2)]
        {
            assert_eq!(search(query).unwrap().page, page, "{query}");
        }
    }

    #[test]
    fn a_page_holds_between_one_and_a_hundred() {
        for (query, size) in
            [("per_page=0", 1), ("per_page=-5", 1), ("per_page=x", 1), ("per_page=101", 100)]
        {
            assert_eq!(search(query).unwrap().per_page, size, "{query}");
        }
    }

    #[test]
    fn a_page_beyond_all_rows_is_left_to_ruby() {
        assert!(search(&format!("page={LAST_PAGE}&per_page=100")).is_ok());
        for query in [format!("page={}", LAST_PAGE + 1), "page=99999999999999999999".to_owned()] {
            assert!(matches!(search(&query), Err(HandlerError::Declined(_))), "{query}");
        }
    }

    #[test]
    fn a_name_is_searched_for_literally() {
        let search = search("q=100%25_off").unwrap();
        assert_eq!(search.named_like.as_deref(), Some(r"%100\%\_off%"));
    }

    #[test]
    fn rows_and_total_are_filtered_alike() {
        let search = search("q=lamp&category=Home&sort=price_asc&page=3").unwrap();
        let filter = " WHERE deleted_at IS NULL AND name LIKE ? AND category = ?";
        assert!(search.total().sql().as_str().ends_with(filter));
        let rows = format!("{filter} ORDER BY price ASC, id ASC LIMIT ? OFFSET ?");
        assert!(search.products().sql().as_str().ends_with(&rows));
    }
}
