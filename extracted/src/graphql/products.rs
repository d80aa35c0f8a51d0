//! `Types::ProductType` and `Types::VariantType`.

use std::pin::Pin;

use rand::seq::SliceRandom as _;
use serde_json::{Map, Value};
use sqlx::{FromRow, QueryBuilder, types::Decimal};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    contract::{Ctx, HandlerError},
    rails::{
        column::{DateTime, SerializedJson},
        database::sanitize_sql_like,
        graphql::Selection,
        string::presence,
    },
};

/// `Product::PER_PAGE`
const PER_PAGE: i64 = 20;
/// Each product's related ones are a statement, and they multiply: a query that wants more than this
/// waits for Ruby.
const MAX_RELATED: usize = 200;

const COLUMNS: &str = "SELECT id, name, slug, subtitle, description, price, currency, category, brand, tags, rating, \
     listed_at, \
     EXISTS (SELECT 1 FROM variants WHERE product_id = products.id AND stock > 0) AS in_stock \
     FROM products WHERE deleted_at IS NULL";

/// `Product`
#[derive(Debug, FromRow)]
pub(super) struct Product {
    id: i64,
    name: String,
    slug: String,
    subtitle: Option<String>,
    description: String,
    price: Decimal,
    currency: String,
    category: String,
    brand: String,
    tags: Option<SerializedJson>,
    rating: Option<f64>,
    listed_at: DateTime,
    in_stock: bool,
}

/// `Variant`
#[derive(Debug, FromRow)]
struct Variant {
    product_id: i64,
    id: i64,
    sku: String,
    title: String,
    price: Decimal,
    stock: i32,
}

/// `Product.find_by(id: id)`
pub(super) async fn find(ctx: &mut Ctx, id: Option<i64>) -> sqlx::Result<Option<Product>> {
    let Some(id) = id else { return Ok(None) };
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" AND id = ").push_bind(id);
    sql.build_query_as().fetch_optional(&mut *ctx.tx).await
}

/// `Page.of(Product.named_like(query).sorted_by(nil), number: page, size: Product::PER_PAGE)`
pub(super) async fn page(
    ctx: &mut Ctx,
    query: Option<&str>,
    page: i32,
) -> sqlx::Result<Vec<Product>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    if let Some(query) = presence(query) {
        sql.push(" AND name LIKE ").push_bind(format!("%{}%", sanitize_sql_like(query)));
    }
    sql.push(" ORDER BY listed_at DESC, id DESC LIMIT ").push_bind(PER_PAGE);
    sql.push(" OFFSET ").push_bind((i64::from(page) - 1) * PER_PAGE);
    sql.build_query_as().fetch_all(&mut *ctx.tx).await
}

/// What is asked of each, all at once: so that a list costs no more statements than one of it.
pub(super) fn values<'a>(
    ctx: &'a mut Ctx,
    asked: &'a Selection<'_>,
    products: Vec<Product>,
) -> Pin<Box<dyn Future<Output = Result<Vec<Value>, HandlerError>> + Send + 'a>> {
    Box::pin(async move {
        let mut values = vec![Map::new(); products.len()];
        for selected in asked.fields("Product")? {
            let (field, below) = (selected.field, selected.below);
            let column = match field.name.as_str() {
                "related" => related(ctx, &below, &products).await?,
                "variants" => variants(ctx, &below, &products).await?,
                name => products
                    .iter()
                    .map(|it| plain(it, name))
                    .collect::<Result<Vec<_>, HandlerError>>()?,
            };
            for (product, value) in values.iter_mut().zip(column) {
                product.insert(field.key().to_owned(), value);
            }
        }
        Ok(values.into_iter().map(Value::Object).collect())
    })
}

fn plain(product: &Product, name: &str) -> Result<Value, HandlerError> {
    Ok(match name {
        "brand" => product.brand.as_str().into(),
        "category" => product.category.as_str().into(),
        "currency" => product.currency.as_str().into(),
        "description" => product.description.as_str().into(),
        "id" => product.id.to_string().into(),
        "inStock" => product.in_stock.into(),
        "listedAt" => iso8601(product.listed_at.0)?.into(),
        "name" => product.name.as_str().into(),
        "price" => money(product.price),
        "rating" => product.rating.into(),
        "slug" => product.slug.as_str().into(),
        "subtitle" => product.subtitle.as_deref().into(),
        "tags" => tags(product)?,
        _ => "Product".into(),
    })
}

/// A list of texts, as every product has it.
fn tags(product: &Product) -> Result<Value, HandlerError> {
    match &product.tags {
        Some(SerializedJson(Value::Array(tags))) if tags.iter().all(Value::is_string) => {
            Ok(Value::Array(tags.clone()))
        }
        _ => Err(HandlerError::Declined("a product's tags are no list of texts")),
    }
}

/// `Types::Money`
pub(super) fn money(amount: Decimal) -> Value {
    format!("{amount:.2}").into()
}

/// `GraphQL::Types::ISO8601DateTime`
fn iso8601(time: OffsetDateTime) -> Result<String, HandlerError> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    time.format(format).map_err(|_| HandlerError::Declined("a time has no form in ISO 8601"))
}

async fn related(
    ctx: &mut Ctx,
    asked: &Selection<'_>,
    products: &[Product],
) -> Result<Vec<Value>, HandlerError> {
    if products.len() > MAX_RELATED {
        return Err(HandlerError::Declined("the related products of many products are asked for"));
    }
    let mut all = Vec::new();
    let mut counts = Vec::with_capacity(products.len());
    for product in products {
        let mut sql = QueryBuilder::new(COLUMNS);
        sql.push(" AND category = ").push_bind(&product.category);
        sql.push(" AND id > ").push_bind(product.id).push(" ORDER BY id LIMIT 6");
        let mut found: Vec<Product> = sql.build_query_as().fetch_all(&mut *ctx.tx).await?;
        found.shuffle(&mut ctx.random);
        counts.push(found.len());
        all.extend(found);
    }
    let mut values = values(ctx, asked, all).await?.into_iter();
    Ok(counts.into_iter().map(|count| values.by_ref().take(count).collect()).collect())
}

async fn variants(
    ctx: &mut Ctx,
    asked: &Selection<'_>,
    products: &[Product],
) -> Result<Vec<Value>, HandlerError> {
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::new(
        "SELECT product_id, id, sku, title, price, stock FROM variants WHERE product_id IN (",
    );
    let mut ids = sql.separated(", ");
    for product in products {
        ids.push_bind(product.id);
    }
    sql.push(") ORDER BY position, id");
    let all: Vec<Variant> = sql.build_query_as().fetch_all(&mut *ctx.tx).await?;
    let of = |product: &Product| {
        let own = all.iter().filter(|it| it.product_id == product.id);
        let values = own.map(|it| variant(asked, it.id, &it.sku, &it.title, it.price, it.stock));
        values.collect::<Result<Value, HandlerError>>()
    };
    products.iter().map(of).collect()
}

/// What is asked of a variant.
pub(super) fn variant(
    asked: &Selection<'_>,
    id: i64,
    sku: &str,
    title: &str,
    price: Decimal,
    stock: i32,
) -> Result<Value, HandlerError> {
    let mut value = Map::new();
    for selected in asked.fields("Variant")? {
        let field = selected.field;
        let member = match field.name.as_str() {
            "id" => id.to_string().into(),
            "price" => money(price),
            "sku" => sku.into(),
            "stock" => stock.into(),
            "title" => title.into(),
            _ => "Variant".into(),
        };
        value.insert(field.key().to_owned(), member);
    }
    Ok(Value::Object(value))
}
