//! `GET /products/{id}`: one product with what can be bought of it, and its neighbours.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        given,
        pages::{self, Visitor},
    },
    models::product::{Card, Product, ProductVariant, record_view},
    rails::html::{Field, Html, html, pluralize, sanitize, submit},
    views::{
        helpers::{ago, money, stars},
        layout::form,
        product::grid,
    },
};

/// The page as `ProductsController#show` renders it. Counts the view.
pub const PRODUCT: Extraction = Extraction {
    id: "catalog.product",
    replaces: "ProductsController#show",
    effects: Effects::Counters,
    run: |ctx, request| {
        Box::pin(async move {
            let outcome = show(ctx, request).await;
            pages::rescued(ctx, request, outcome).await
        })
    },
};

async fn show(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?.all;
    let id = given::id(parameters.get("id"))?;
    let product = Product::find_by_id(&mut ctx.tx, id).await?;
    let product = product.ok_or(HandlerError::NotFound("Product"))?;
    pages::expect_html(request, &parameters)?;
    let visitor = Visitor::of(ctx, request).await?;
    let variants = product.variants(&mut ctx.tx).await?;
    let related = product.related(&mut ctx.tx, &mut ctx.random).await?;
    // Rails counts first. Here the count locks the row until the caller commits: so it comes last.
    let views = record_view(&mut ctx.tx, product.id).await?;
    let rows = variants.iter().map(|it| row(ctx, request, &product, it));
    let rows = rows.collect::<Result<Html, _>>()?;
    let page = page(ctx, &product, views, &rows, &related)?;
    pages::render(ctx, request, &visitor, StatusCode::OK, Some(&product.name), &page).await
}

/// `views/products/show.html.erb`
fn page(
    ctx: &Ctx,
    product: &Product,
    views: u64,
    rows: &Html,
    related: &[Card],
) -> Result<Html, HandlerError> {
    const ODD: HandlerError = HandlerError::Declined("only libxml2 knows what a description means");
    let related = match related {
        [] => Html::default(),
        cards => html!("  <h2>You may also like</h2>\n  {}\n", grid(cards)?),
    };
    Ok(html!(
        "<h1>{}</h1>\n\
         <p class=\"muted\">{} · {} · {} · seen {}</p>\n\
         <p class=\"price\">{}</p>\n<p>{}</p>\n<p class=\"muted\">Listed {}</p>\n\n\
         <table>\n{}</table>\n\n{}",
        product.name,
        product.brand,
        product.category,
        stars(product.rating)?,
        pluralize(views, "time", "times"),
        money(product.price, &product.currency),
        sanitize(&product.description, &["b", "i"]).ok_or(ODD)?,
        ago(ctx.now, product.listed_at.0),
        rows,
        related
    ))
}

fn row(
    ctx: &mut Ctx,
    request: &Request,
    product: &Product,
    variant: &ProductVariant,
) -> Result<Html, HandlerError> {
    let sold_out = variant.stock <= 0;
    let left = if sold_out { "sold out".to_owned() } else { format!("{} left", variant.stock) };
    Ok(html!(
        "    <tr>\n      <td>{}</td>\n      <td class=\"price\">{}</td>\n      <td>{}</td>\n      \
         <td>\n        {}      </td>\n    </tr>\n",
        variant.title,
        money(variant.price, &product.currency),
        left,
        add_to_cart(ctx, request, variant, sold_out)?
    ))
}

fn add_to_cart(
    ctx: &mut Ctx,
    request: &Request,
    variant: &ProductVariant,
    disabled: bool,
) -> Result<Html, HandlerError> {
    let id = variant.id.to_string();
    let id = [("value", id.as_str())];
    let quantity = [("value", "1"), ("min", "1"), ("max", "99"), ("aria-label", "Quantity")];
    let hidden = Field { id: false, ..Field::new("hidden", "variant_id", &id) };
    let quantity = Field { id: false, ..Field::new("number", "quantity", &quantity) };
    let fields = html!(
        "\n          {}\n          {}\n          {}\n",
        hidden.tag(),
        quantity.tag(),
        submit("Add to cart", Some("commit"), disabled)
    );
    form(ctx, request, "/cart/lines", "post", None, &fields)
}
