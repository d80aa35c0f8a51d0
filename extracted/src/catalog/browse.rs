//! `GET /products`: a page of the catalogue, filtered and sorted.

use http::StatusCode;

use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::pages::{self, Visitor},
    models::{
        listing::{Listing, PER_PAGE},
        product::{Card, Product},
    },
    rails::{
        html::{Field, Form, Html, Select, html, link_to, pluralize, submit},
        params::Params,
        url::to_query,
    },
    views::product::grid,
};

/// The page as `ProductsController#index` renders it.
pub const BROWSE: Extraction = Extraction {
    id: "catalog.browse",
    replaces: "ProductsController#index",
    effects: Effects::None,
    run: |ctx, request| Box::pin(browse(ctx, request)),
};

/// What a visitor may say of what they look for.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    q: Option<&'a str>,
    category: Option<&'a str>,
    sort: Option<&'a str>,
    page: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn read(parameters: &'a Params) -> Result<Self, HandlerError> {
        Ok(Self {
            q: parameters.plain("q")?,
            category: parameters.plain("category")?,
            sort: parameters.plain("sort")?,
            page: parameters.plain("page")?,
        })
    }

    fn listing(self) -> Result<Listing, HandlerError> {
        let param = |name: &str| match name {
            "q" => self.q,
            "category" => self.category,
            "sort" => self.sort,
            "page" => self.page,
            _ => None,
        };
        Listing::new(param, PER_PAGE)
    }
}

async fn browse(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?.all;
    pages::expect_html(request, &parameters)?;
    let wanted = Wanted::read(&parameters)?;
    let listing = wanted.listing()?;
    let visitor = Visitor::of(ctx, request).await?;
    let mut products = listing.products(Card::COLUMNS);
    let products: Vec<Card> = products.build_query_as().fetch_all(&mut *ctx.tx).await?;
    let total: i64 = listing.total().build_query_scalar().fetch_one(&mut *ctx.tx).await?;
    let categories = Product::categories(&mut ctx.tx).await?;
    let found = u64::try_from(total).unwrap_or_default();
    let page = html!(
        "<h1>Products</h1>\n{}\n<p class=\"muted\">{}</p>\n{}\n{}\n",
        search(wanted, &categories),
        pluralize(found, "product", "products"),
        grid(&products)?,
        turn(wanted, listing.page, listing.total_pages(total))
    );
    pages::render(ctx, request, &visitor, StatusCode::OK, Some("Products"), &page).await
}

/// The form of `views/products/index.html.erb`.
fn search(wanted: Wanted<'_>, categories: &[String]) -> Html {
    let value = wanted.q.map(|it| ("value", it));
    let text: Vec<_> = value.into_iter().chain([("placeholder", "Search")]).collect();
    let options: Vec<_> = categories.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let category = Select {
        name: "category",
        options: &options,
        selected: wanted.category,
        blank: Some("All categories"),
        attributes: &[],
    };
    Form::get("/products").with(&html!(
        "\n  {}\n  {}\n  {}\n",
        Field::new("search", "q", &text).tag(),
        category.tag(),
        submit("Search", None, false)
    ))
}

/// `views/shared/_pages.html.erb`
fn turn(wanted: Wanted<'_>, page: i64, pages: i64) -> Html {
    let to = |text: &str, page: i64| {
        let page = page.to_string();
        let query = [
            ("q", wanted.q),
            ("category", wanted.category),
            ("sort", wanted.sort),
            ("page", Some(page.as_str())),
        ];
        link_to(text, &format!("/products?{}", to_query(&query)), &[])
    };
    html!(
        "<nav class=\"pages\">\n  {}\n  Page {} of {}\n  {}\n</nav>\n",
        (page > 1).then(|| to("← Newer", page - 1)),
        page,
        pages,
        (page < pages).then(|| to("Older →", page + 1))
    )
}
