//! The shop's own pages hold the markup that Rust would write for them.

use extracted::rails::html::{
    Field, Form, Html, Select, button_to, content_tag, csp_meta_tag, csrf_meta_tags, link_to,
    submit,
};
use reqwest::Client;
use scraper::{Html as Document, Selector};

use crate::support::shop;

struct Shopper {
    client: Client,
    shop: String,
}

impl Shopper {
    async fn new() -> Self {
        let client = Client::builder().cookie_store(true).build().unwrap();
        Self { client, shop: shop().await.url }
    }

    async fn page(&self, path: &str) -> String {
        let response = self.client.get(format!("{}{path}", self.shop)).send().await.unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }
}

/// The attribute of the first element that the selector finds.
fn attribute(page: &str, selector: &str, name: &str) -> String {
    let selector = Selector::parse(selector).unwrap();
    let document = Document::parse_document(page);
    let element = document.select(&selector).next();
    element.unwrap_or_else(|| panic!("{selector:?} in {page}")).attr(name).unwrap().to_owned()
}

#[track_caller]
fn holds(page: &str, markup: &Html) {
    assert!(page.contains(markup.as_str()), "{markup} is not in {page}");
}

/// What stands before a form's own fields, whose blanks are the template's.
#[track_caller]
fn opens(page: &str, form: &Form<'_>) {
    let whole = form.with(&Html::default());
    let opening = whole.as_str().strip_suffix("</form>").unwrap();
    assert!(page.contains(opening), "{opening} is not in {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_page_is_written_alike() {
    let page = Shopper::new().await.page("/login").await;
    holds(&page, &csrf_meta_tags(&attribute(&page, "meta[name=csrf-token]", "content")));
    holds(&page, &csp_meta_tag(&attribute(&page, "meta[name=csp-nonce]", "content")));
    holds(&page, &link_to("Banyan Shop", "/", &[("class", "brand")]));
    holds(&page, &link_to("Cart (0)", "/cart", &[]));
    let token = attribute(&page, "form[action='/login'] input[name=authenticity_token]", "value");
    opens(&page, &Form { attributes: &[("class", "stack")], ..Form::post("/login", &token) });
    holds(&page, &Field::new("email", "email", &[("autocomplete", "email")]).tag());
    let password = [("autocomplete", "current-password")];
    holds(&page, &Field::new("password", "password", &password).tag());
    holds(&page, &submit("Log in", Some("commit"), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_written_alike() {
    let page = Shopper::new().await.page("/products?q=%3Cb%3E").await;
    opens(&page, &Form::get("/products"));
    holds(&page, &Field::new("search", "q", &[("value", "<b>"), ("placeholder", "Search")]).tag());
    holds(&page, &submit("Search", None, false));
    let options = Document::parse_document(&page);
    let option = Selector::parse("select option").unwrap();
    let names: Vec<_> =
        options.select(&option).skip(1).map(|it| it.text().collect::<String>()).collect();
    assert!(names.len() > 2, "{names:?}");
    let options: Vec<_> = names.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let category = Select {
        name: "category",
        options: &options,
        selected: None,
        blank: Some("All categories"),
        attributes: &[],
    };
    holds(&page, &category.tag());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cart_is_written_alike() {
    let shopper = Shopper::new().await;
    let page = shopper.page("/products/1").await;
    let of = |name| attribute(&page, "form[action='/cart/lines'] input", name);
    assert_eq!(of("name"), "authenticity_token");
    let token = of("value");
    opens(&page, &Form::post("/cart/lines", &token));
    let variant = attribute(&page, "form[action='/cart/lines'] input[name=variant_id]", "value");
    let value = [("value", &*variant)];
    let hidden = Field { id: false, ..Field::new("hidden", "variant_id", &value) };
    holds(&page, &hidden.tag());
    let form = [("authenticity_token", &*token), ("variant_id", &*variant), ("quantity", "1")];
    let add = shopper.client.post(format!("{}/cart/lines", shopper.shop)).form(&form);
    add.send().await.unwrap().error_for_status().unwrap();

    let cart = shopper.page("/cart").await;
    let action = attribute(&cart, "form.button_to[action^='/cart/lines/']", "action");
    let remove = format!("form.button_to[action='{action}'] input[name=authenticity_token]");
    let token = attribute(&cart, &remove, "value");
    holds(&cart, &button_to("Remove", &action, "delete", &token));
    let update = format!("form[action='{action}']:not(.button_to) input[name=authenticity_token]");
    let token = attribute(&cart, &update, "value");
    opens(&cart, &Form { method: "patch", ..Form::post(&action, &token) });
    let quantity = [("value", "1"), ("min", "1"), ("max", "99"), ("aria-label", "Quantity")];
    holds(&cart, &Field { id: false, ..Field::new("number", "quantity", &quantity) }.tag());
    holds(&cart, &content_tag("td", &[], &link_to_product(&cart)));
}

/// The line's product, by the text that the page has for it.
fn link_to_product(cart: &str) -> Html {
    let document = Document::parse_document(cart);
    let link = Selector::parse("td a[href='/products/1']").unwrap();
    let text: String = document.select(&link).next().unwrap().text().collect();
    link_to(&text, "/products/1", &[])
}
