//! `Product`, as its pages and cards show it.

use rand::{rngs::StdRng, seq::SliceRandom as _};
use sqlx::{FromRow, MySqlConnection, types::Decimal};

use crate::rails::column::DateTime;

/// What a card of the product shows of it; `in_stock?` of its variants.
macro_rules! cards {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, subtitle, price, currency, rating, \
             EXISTS (SELECT 1 FROM variants WHERE product_id = products.id AND stock > 0) \
             AS in_stock FROM products WHERE deleted_at IS NULL",
            $rest
        )
    };
}

/// A product among others.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Card {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) subtitle: Option<String>,
    pub(crate) price: Decimal,
    pub(crate) currency: String,
    pub(crate) rating: Option<f64>,
    pub(crate) in_stock: bool,
}

impl Card {
    /// The columns that it is read from.
    pub(crate) const COLUMNS: &str = "id, name, subtitle, price, currency, rating";

    /// `Product.order(Product::NEWEST_FIRST).limit(6)`
    pub(crate) async fn newest(database: &mut MySqlConnection) -> sqlx::Result<Vec<Self>> {
        let sql = cards!(" ORDER BY listed_at DESC, id DESC LIMIT 6");
        sqlx::query_as(sql).fetch_all(database).await
    }

    /// `Product.order(views_count: :desc, id: :asc).limit(6)`
    pub(crate) async fn popular(database: &mut MySqlConnection) -> sqlx::Result<Vec<Self>> {
        let sql = cards!(" ORDER BY views_count DESC, id ASC LIMIT 6");
        sqlx::query_as(sql).fetch_all(database).await
    }
}

/// A product by itself.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price: Decimal,
    pub(crate) currency: String,
    pub(crate) category: String,
    pub(crate) brand: String,
    pub(crate) rating: Option<f64>,
    pub(crate) listed_at: DateTime,
}

/// What of it can be bought.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ProductVariant {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) price: Decimal,
    pub(crate) stock: i32,
}

impl Product {
    /// `Product.find_by(id: id)`
    pub(crate) async fn find_by_id(
        database: &mut MySqlConnection,
        id: Option<i64>,
    ) -> sqlx::Result<Option<Self>> {
        let sql = "SELECT id, name, description, price, currency, category, brand, rating, listed_at \
                   FROM products WHERE deleted_at IS NULL AND id = ?";
        sqlx::query_as(sql).bind(id).fetch_optional(database).await
    }

    /// `Product.categories`
    pub(crate) async fn categories(database: &mut MySqlConnection) -> sqlx::Result<Vec<String>> {
        let sql =
            "SELECT DISTINCT category FROM products WHERE deleted_at IS NULL ORDER BY category";
        sqlx::query_scalar(sql).fetch_all(database).await
    }

    /// `variants`
    pub(crate) async fn variants(
        &self,
        database: &mut MySqlConnection,
    ) -> sqlx::Result<Vec<ProductVariant>> {
        let sql = "SELECT id, title, price, stock FROM variants WHERE product_id = ? \
                   ORDER BY position, id";
        sqlx::query_as(sql).bind(self.id).fetch_all(database).await
    }

    /// `related`: the next products of the category, shuffled: customers got bored of a fixed order.
    pub(crate) async fn related(
        &self,
        database: &mut MySqlConnection,
        random: &mut StdRng,
    ) -> sqlx::Result<Vec<Card>> {
        let sql = cards!(" AND category = ? AND id > ? ORDER BY id LIMIT 6");
        let related = sqlx::query_as(sql).bind(&self.category).bind(self.id);
        let mut related: Vec<Card> = related.fetch_all(database).await?;
        related.shuffle(random);
        Ok(related)
    }
}

/// `record_view!`: counts a view, leaving `updated_at` alone, and returns the new count. With
/// `LAST_INSERT_ID` the statement brings it along, so that the row is locked for one round trip less.
pub(crate) async fn record_view(database: &mut MySqlConnection, id: i64) -> sqlx::Result<u64> {
    let counted = sqlx::query(
        "UPDATE products SET views_count = LAST_INSERT_ID(COALESCE(views_count, 0) + 1) WHERE id = ?",
    )
    .bind(id)
    .execute(database)
    .await?;
    Ok(counted.last_insert_id())
}
