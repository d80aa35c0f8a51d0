//! `Cart` and `CartLine`.

use sqlx::{FromRow, MySqlConnection, QueryBuilder, types::Decimal};
use time::OffsetDateTime;

use super::{
    pricing::{Line, Pricing},
    quantity::quantity_errors,
    variant::Variant,
};
use crate::{
    contract::HandlerError,
    rails::{
        column::DateTime,
        record::{touch, truncated},
    },
};

/// What somebody is about to buy.
#[derive(Debug, Clone)]
pub(crate) struct Cart {
    /// `None`: it has no row yet.
    pub(crate) id: Option<i64>,
    pub(crate) user_id: Option<i64>,
    pub(crate) promotion_id: Option<i64>,
    pub(crate) updated_at: Option<DateTime>,
    /// In the order of their ids.
    pub(crate) lines: Vec<CartLine>,
}

/// So many of one variant.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct CartLine {
    pub(crate) id: i64,
    pub(crate) quantity: i32,
    #[sqlx(flatten)]
    pub(crate) variant: Variant,
}

#[derive(Debug, FromRow)]
struct Row {
    id: i64,
    user_id: Option<i64>,
    promotion_id: Option<i64>,
    updated_at: DateTime,
}

impl Line for CartLine {
    fn unit_price(&self) -> Decimal {
        self.variant.price
    }

    fn quantity(&self) -> u32 {
        u32::try_from(self.quantity).unwrap_or(0)
    }

    fn category(&self) -> &str {
        &self.variant.category
    }
}

impl Cart {
    /// `Cart.new(user: user)`
    pub(crate) const fn new(user_id: Option<i64>) -> Self {
        Self { id: None, user_id, promotion_id: None, updated_at: None, lines: Vec::new() }
    }

    /// `Cart.find_by(user: user)`
    pub(crate) async fn of_user(
        database: &mut MySqlConnection,
        user_id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql =
            "SELECT id, user_id, promotion_id, updated_at FROM carts WHERE user_id = ? LIMIT 1";
        let row = sqlx::query_as(sql).bind(user_id).fetch_optional(&mut *database).await?;
        Self::with_lines(database, row).await
    }

    /// `Cart.find_by(id: id, user_id: nil)`
    pub(crate) async fn of_visitor(
        database: &mut MySqlConnection,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = "SELECT id, user_id, promotion_id, updated_at FROM carts \
                   WHERE id = ? AND user_id IS NULL";
        let row = sqlx::query_as(sql).bind(id).fetch_optional(&mut *database).await?;
        Self::with_lines(database, row).await
    }

    /// `lock!`, by the user that it belongs to.
    pub(crate) async fn lock_of_user(
        database: &mut MySqlConnection,
        user_id: i64,
    ) -> sqlx::Result<()> {
        let sql = "SELECT id FROM carts WHERE user_id = ? LIMIT 1 FOR UPDATE";
        sqlx::query(sql).bind(user_id).fetch_optional(database).await.map(drop)
    }

    /// `lines.find(id)`
    pub(crate) fn line(&mut self, id: Option<i64>) -> Result<&mut CartLine, HandlerError> {
        let line = self.lines.iter_mut().find(|it| Some(it.id) == id);
        line.ok_or(HandlerError::NotFound("CartLine"))
    }

    async fn with_lines(
        database: &mut MySqlConnection,
        row: Option<Row>,
    ) -> sqlx::Result<Option<Self>> {
        let Some(row) = row else { return Ok(None) };
        let lines = lines(database, row.id).await?;
        Ok(Some(Self {
            id: Some(row.id),
            user_id: row.user_id,
            promotion_id: row.promotion_id,
            updated_at: Some(row.updated_at),
            lines,
        }))
    }

    /// `save!` of a new one. The id of its row.
    pub(crate) async fn save(
        &mut self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
    ) -> sqlx::Result<i64> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let now = truncated(now, 6);
        let sql = "INSERT INTO carts (user_id, promotion_id, created_at, updated_at) \
                   VALUES (?, ?, ?, ?)";
        let saved = sqlx::query(sql).bind(self.user_id).bind(self.promotion_id);
        let saved = saved.bind(now).bind(now).execute(database).await?;
        let id = saved.last_insert_id().cast_signed();
        (self.id, self.updated_at) = (Some(id), Some(DateTime(now)));
        Ok(id)
    }

    /// `reload`
    pub(crate) async fn reload(&mut self, database: &mut MySqlConnection) -> sqlx::Result<()> {
        let Some(id) = self.id else { return Ok(()) };
        let sql = "SELECT id, user_id, promotion_id, updated_at FROM carts WHERE id = ?";
        let row = sqlx::query_as(sql).bind(id).fetch_optional(&mut *database).await?;
        if let Some(cart) = Self::with_lines(database, row).await? {
            *self = cart;
        }
        Ok(())
    }

    /// `add(variant, quantity)`, to a cart that has a row: the errors' messages, or none.
    pub(crate) async fn add(
        &mut self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        variant: &Variant,
        quantity: i64,
    ) -> sqlx::Result<Vec<&'static str>> {
        let Some(cart_id) = self.id else { return Err(sqlx::Error::RowNotFound) };
        let line = self.lines.iter().position(|it| it.variant.id == variant.id);
        let before = line.map_or(0, |at| i64::from(self.lines[at].quantity));
        let quantity = before.saturating_add(quantity);
        let mut errors = quantity_errors(quantity);
        if line.is_none() && !variant.is_buyable() {
            errors.push("Variant is sold out");
        }
        let Ok(valid) = i32::try_from(quantity) else { return Ok(errors) };
        if !errors.is_empty() {
            return Ok(errors);
        }
        if let Some(at) = line {
            let line = &mut self.lines[at];
            line.update_quantity(&mut *database, now, cart_id, valid).await?;
        } else {
            let id = insert_line(&mut *database, now, cart_id, variant.id, valid).await?;
            self.lines.push(CartLine { id, quantity: valid, variant: variant.clone() });
        }
        Ok(errors)
    }

    /// `absorb(other)`: takes over the lines and the promotion of a cart that a visitor filled before
    /// signing in, and removes that one.
    pub(crate) async fn absorb(
        &mut self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        other: Self,
    ) -> Result<(), HandlerError> {
        let mut invalid = false;
        for line in &other.lines {
            // What cannot be added stays away: `add` saves without raising.
            let errors = self.add(&mut *database, now, &line.variant, line.quantity.into()).await?;
            invalid |= !errors.is_empty();
        }
        if other.promotion_id.is_some() {
            if invalid {
                // `update!` looks at the lines too, and raises.
                return Err(HandlerError::Declined("a line cannot be taken over"));
            }
            self.promote(&mut *database, now, other.promotion_id).await?;
        }
        Ok(other.destroy(database).await?)
    }

    /// `update!(promotion: …)`
    pub(crate) async fn promote(
        &mut self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        promotion_id: Option<i64>,
    ) -> sqlx::Result<()> {
        if self.promotion_id == promotion_id {
            return Ok(());
        }
        self.promotion_id = promotion_id;
        let now = truncated(now, 6);
        self.updated_at = Some(DateTime(now));
        let sql = "UPDATE carts SET promotion_id = ?, updated_at = ? WHERE id = ?";
        sqlx::query(sql).bind(promotion_id).bind(now).bind(self.id).execute(database).await?;
        Ok(())
    }

    /// `destroy!`, its lines first.
    async fn destroy(self, database: &mut MySqlConnection) -> sqlx::Result<()> {
        let lines = sqlx::query("DELETE FROM cart_lines WHERE cart_id = ?").bind(self.id);
        lines.execute(&mut *database).await?;
        sqlx::query("DELETE FROM carts WHERE id = ?").bind(self.id).execute(database).await?;
        Ok(())
    }

    /// `empty!`, of the lines that it was read with: what somebody adds in the meantime stays.
    pub(crate) async fn empty(
        &mut self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
    ) -> sqlx::Result<()> {
        let mut delete = QueryBuilder::new("DELETE FROM cart_lines WHERE id IN (");
        let mut ids = delete.separated(", ");
        for line in &self.lines {
            ids.push_bind(line.id);
        }
        delete.push(")").build().execute(&mut *database).await?;
        // The line's `touch: true`, and `update!(promotion: nil)`.
        let sql = "UPDATE carts SET promotion_id = NULL, updated_at = ? WHERE id = ?";
        sqlx::query(sql).bind(truncated(now, 6)).bind(self.id).execute(database).await?;
        (self.promotion_id, self.lines) = (None, Vec::new());
        Ok(())
    }

    /// `count`: of the single things in it.
    pub(crate) fn count(&self) -> i64 {
        self.lines.iter().map(|it| i64::from(it.quantity)).sum()
    }

    /// `pricing`
    pub(crate) async fn pricing(
        &self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
    ) -> sqlx::Result<Pricing> {
        Pricing::of(database, now, &self.lines, self.promotion_id).await
    }
}

impl CartLine {
    /// `total`
    pub(crate) fn total(&self) -> Decimal {
        Line::total(self)
    }

    /// `update(quantity: …)` with a valid one: nothing is written where nothing changes.
    pub(crate) async fn update_quantity(
        &mut self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        cart_id: i64,
        quantity: i32,
    ) -> sqlx::Result<()> {
        if self.quantity == quantity {
            return Ok(());
        }
        self.quantity = quantity;
        let sql = "UPDATE cart_lines SET quantity = ?, updated_at = ? WHERE id = ?";
        let update = sqlx::query(sql).bind(quantity).bind(truncated(now, 6)).bind(self.id);
        update.execute(&mut *database).await?;
        touch(database, "carts", cart_id.cast_unsigned(), &[], false, now).await
    }

    /// `destroy!`
    pub(crate) async fn destroy(
        &self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
        cart_id: i64,
    ) -> sqlx::Result<()> {
        let delete = sqlx::query("DELETE FROM cart_lines WHERE id = ?").bind(self.id);
        delete.execute(&mut *database).await?;
        touch(database, "carts", cart_id.cast_unsigned(), &[], false, now).await
    }
}

/// `cart.lines`
async fn lines(database: &mut MySqlConnection, cart_id: i64) -> sqlx::Result<Vec<CartLine>> {
    // A line without its variant fails, as it does in Rails: the monolith answers then.
    let sql = "SELECT cart_lines.id, quantity, variants.id AS variant_id, sku, title, \
               variants.price, stock, product_id, products.name AS product_name, category, \
               products.deleted_at IS NULL AS listed \
               FROM cart_lines LEFT JOIN variants ON variants.id = variant_id \
               LEFT JOIN products ON products.id = product_id \
               WHERE cart_id = ? ORDER BY cart_lines.id";
    sqlx::query_as(sql).bind(cart_id).fetch_all(database).await
}

async fn insert_line(
    database: &mut MySqlConnection,
    now: OffsetDateTime,
    cart_id: i64,
    variant_id: i64,
    quantity: i32,
) -> sqlx::Result<i64> {
    let at = truncated(now, 6);
    let sql = "INSERT INTO cart_lines (cart_id, variant_id, quantity, created_at, updated_at) \
               VALUES (?, ?, ?, ?, ?)";
    let insert = sqlx::query(sql).bind(cart_id).bind(variant_id).bind(quantity).bind(at).bind(at);
    let id = insert.execute(&mut *database).await?.last_insert_id().cast_signed();
    touch(database, "carts", cart_id.cast_unsigned(), &[], false, now).await?;
    Ok(id)
}
