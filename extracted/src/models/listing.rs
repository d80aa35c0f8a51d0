//! A page of the catalogue: `Product.search`, `Product.sorted_by` and `Page`.

use sqlx::{MySql, QueryBuilder};

use crate::{
    contract::HandlerError,
    rails::{
        database::sanitize_sql_like,
        string::{presence, to_i},
    },
};

/// `Product::MAX_PER_PAGE`
pub(crate) const MAX_PER_PAGE: i64 = 100;
/// `Product::PER_PAGE`
pub(crate) const PER_PAGE: i64 = 20;

/// Rows before a page beyond this one do not fit into 64 bits; Ruby goes on counting.
const LAST_PAGE: i64 = i64::MAX / MAX_PER_PAGE;

/// Which products, in which order, and which of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    named_like: Option<String>,
    category: Option<String>,
    order: &'static str,
    /// From 1.
    pub(crate) page: i64,
    pub(crate) per_page: i64,
}

impl Listing {
    /// What these parameters ask for: `q`, `category`, `sort` and `page`.
    ///
    /// # Errors
    /// Where the page is one that only Ruby can count.
    pub(crate) fn new<'a>(
        param: impl Fn(&str) -> Option<&'a str>,
        per_page: i64,
    ) -> Result<Self, HandlerError> {
        let page = param("page").map_or(1, to_i).max(1);
        if page > LAST_PAGE {
            return Err(HandlerError::Declined("the page number exceeds 64 bits of rows"));
        }
        Ok(Self {
            named_like: presence(param("q")).map(|it| format!("%{}%", sanitize_sql_like(it))),
            category: presence(param("category")).map(str::to_owned),
            order: match param("sort") {
                Some("price_asc") => "price ASC, id ASC",
                Some("price_desc") => "price DESC, id ASC",
                Some("name") => "name ASC, id ASC",
                _ => "listed_at DESC, id DESC",
            },
            page,
            per_page,
        })
    }

    /// `records`: these columns, and whether the product is `in_stock`.
    pub(crate) fn products(&self, columns: &'static str) -> QueryBuilder<MySql> {
        let mut sql = QueryBuilder::new("SELECT ");
        sql.push(columns).push(
            ", EXISTS (SELECT 1 FROM variants WHERE product_id = products.id AND stock > 0) \
             AS in_stock FROM products",
        );
        self.filter(&mut sql);
        sql.push(" ORDER BY ").push(self.order);
        sql.push(" LIMIT ").push_bind(self.per_page);
        sql.push(" OFFSET ").push_bind((self.page - 1) * self.per_page);
        sql
    }

    /// `total`
    pub(crate) fn total(&self) -> QueryBuilder<MySql> {
        let mut sql = QueryBuilder::new("SELECT COUNT(*) FROM products");
        self.filter(&mut sql);
        sql
    }

    /// `total_pages`
    pub(crate) fn total_pages(&self, total: i64) -> i64 {
        (total + self.per_page - 1) / self.per_page
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
    use crate::rails::query::Query;

    fn listing(query: &str) -> Result<Listing, HandlerError> {
        let query = Query::parse(query)?;
        Listing::new(|name| query.get(name), PER_PAGE)
    }

    #[test]
    fn without_parameters_it_is_the_first_page_of_the_newest() {
        let newest = Listing {
            named_like: None,
            category: None,
            order: "listed_at DESC, id DESC",
            page: 1,
            per_page: 20,
        };
        assert_eq!(listing("").unwrap(), newest);
        assert_eq!(listing("q=+&category=&sort=cheap&page").unwrap(), newest);
    }

    #[test]
    fn page_numbers_below_one_and_junk_mean_page_one() {
        for (query, page) in
            [("page=3", 3), ("page=0", 1), ("page=-2", 1), ("page=abc", 1), ("page=2.9", 2)]
        {
            assert_eq!(listing(query).unwrap().page, page, "{query}");
        }
    }

    #[test]
    fn a_page_beyond_all_rows_is_left_to_ruby() {
        assert!(listing(&format!("page={LAST_PAGE}")).is_ok());
        for query in [format!("page={}", LAST_PAGE + 1), "page=99999999999999999999".to_owned()] {
            assert!(matches!(listing(&query), Err(HandlerError::Declined(_))), "{query}");
        }
    }

    #[test]
    fn the_last_page_may_be_a_short_one() {
        let listing = listing("").unwrap();
        for (total, pages) in [(0, 0), (1, 1), (20, 1), (21, 2)] {
            assert_eq!(listing.total_pages(total), pages, "{total}");
        }
    }

    #[test]
    fn a_name_is_searched_for_literally() {
        let listing = listing("q=100%25_off").unwrap();
        assert_eq!(listing.named_like.as_deref(), Some(r"%100\%\_off%"));
    }

    #[test]
    fn rows_and_total_are_filtered_alike() {
        let listing = listing("q=lamp&category=Home&sort=price_asc&page=3").unwrap();
        let filter = " WHERE deleted_at IS NULL AND name LIKE ? AND category = ?";
        assert!(listing.total().sql().as_str().ends_with(filter));
        let rows = format!("{filter} ORDER BY price ASC, id ASC LIMIT ? OFFSET ?");
        assert!(listing.products("id").sql().as_str().ends_with(&rows));
    }
}
