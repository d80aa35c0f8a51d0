//! `Variant`, with what is asked of its product.

use sqlx::{FromRow, MySqlConnection, types::Decimal};

use crate::contract::HandlerError;

/// What is put into a cart: one size or colour of a product.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Variant {
    #[sqlx(rename = "variant_id")]
    pub(crate) id: i64,
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) price: Decimal,
    pub(crate) stock: i32,
    pub(crate) product_id: i64,
    pub(crate) product_name: String,
    pub(crate) category: String,
    /// Its product is not deleted.
    pub(crate) listed: bool,
}

impl Variant {
    /// `Variant.find_by(id: id)`, with its product, which may be a deleted one.
    pub(crate) async fn find_by_id(
        database: &mut MySqlConnection,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = "SELECT variants.id AS variant_id, sku, title, variants.price, stock, product_id, \
                   products.name AS product_name, category, products.deleted_at IS NULL AS listed \
                   FROM variants LEFT JOIN products ON products.id = product_id \
                   WHERE variants.id = ?";
        sqlx::query_as(sql).bind(id).fetch_optional(database).await
    }

    /// `Variant.find(id)`
    pub(crate) async fn find(
        database: &mut MySqlConnection,
        id: Option<i64>,
    ) -> Result<Self, HandlerError> {
        let variant = match id {
            Some(id) => Self::find_by_id(database, id).await?,
            None => None,
        };
        variant.ok_or(HandlerError::NotFound("Variant"))
    }

    /// `buyable?`
    pub(crate) fn is_buyable(&self) -> bool {
        self.listed && self.stock > 0
    }

    /// `full_title`
    pub(crate) fn full_title(&self) -> String {
        format!("{} – {}", self.product_name, self.title)
    }
}
