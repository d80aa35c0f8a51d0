//! What visitors do to become buyers, and what must survive it: the cart, and one message each time.

use reqwest::StatusCode;
use serde_json::json;

use super::{
    Buyer,
    journeys::{PASSWORD, array},
};
use crate::browser::{Complaint, Page, expect};

impl Buyer {
    /// A visitor's cart comes along when they log in, and stays when they log out and in again.
    pub(super) async fn come_and_go(&mut self) -> Result<(), Complaint> {
        let variant = self.fill_a_visitors_cart().await?;
        self.log_in_in_pages().await?;
        self.has_in_cart(variant).await?;
        let page = self.browser.visit("/cart").await?;
        let home = self.browser.submit(&page, "/logout", &[]).await?;
        says(&home, "You are logged out")?;
        let (_, cart) = self.browser.json("/api/cart").await?;
        expect(cart["count"] == 0, || format!("after the logout the cart is {cart}"))?;
        self.log_in_in_pages().await?;
        self.has_in_cart(variant).await
    }

    /// A new account has the cart that its visitor filled, and no notifications.
    pub(super) async fn sign_up(&mut self) -> Result<(), Complaint> {
        let variant = self.fill_a_visitors_cart().await?;
        // Not of the seed: whoever repeats a run in the same shop is somebody else.
        self.email = format!("new{:016x}@shop.test", rand::random::<u64>());
        let page = self.browser.visit("/signup").await?;
        let email = self.email.clone();
        let mut fields = vec![
            ("user[name]", "Noé <new>"),
            ("user[email]", email.as_str()),
            ("user[password]", PASSWORD),
            ("user[password_confirmation]", "something else"),
        ];
        let refused = self.browser.submit(&page, "/signup", &fields).await?;
        expect(refused.status == StatusCode::UNPROCESSABLE_ENTITY, || {
            format!("two passwords answered {}", refused.status)
        })?;
        fields[3].1 = PASSWORD;
        let home = self.browser.submit(&refused, "/signup", &fields).await?;
        says(&home, "Welcome, Noé <new>")?;
        self.is_logged_in().await?;
        self.has_in_cart(variant).await?;
        let page = self.browser.visit("/notifications").await?;
        expect(page.text().contains("Nothing yet."), || {
            format!("a new account's notifications: {} {}", page.path, page.status)
        })
    }

    /// Each notification is read once, and then no more among the unread.
    pub(super) async fn read_notifications(&mut self) -> Result<(), Complaint> {
        let refused = self.browser.visit("/notifications").await?;
        says(&refused, "Please log in first")?;
        self.log_in_in_pages().await?;
        let unread = "form[action^='/notifications/']";
        let mut page = self.browser.visit("/notifications").await?;
        for action in page.attributes(unread, "action") {
            page = self.browser.submit(&page, &action, &[]).await?;
            expect(!page.attributes(unread, "action").contains(&action), || {
                format!("{action} led to {} with {}, and is unread", page.path, page.status)
            })?;
        }
        Ok(())
    }

    async fn log_in_in_pages(&mut self) -> Result<(), Complaint> {
        let login = self.browser.visit("/login").await?;
        let email = self.email.clone();
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        let home = self.browser.submit(&login, "/login", &fields).await?;
        says(&home, "Welcome back, ")?;
        // It was said once.
        let again = self.browser.visit("/").await?;
        expect(again.flash().is_empty(), || format!("it says again {:?}", again.flash()))?;
        self.is_logged_in().await
    }

    async fn fill_a_visitors_cart(&mut self) -> Result<u64, Complaint> {
        let (variant, _) = self.something_in_stock().await?;
        let product = self.product_of(variant).await?;
        let text = variant.to_string();
        let fields = [("variant_id", text.as_str()), ("quantity", "1")];
        let cart = self.browser.submit(&product, "/cart/lines", &fields).await?;
        says(&cart, " is in your cart")?;
        expect(cart.text().contains("Cart (1)"), || "the header shows no cart of one".into())?;
        Ok(variant)
    }

    async fn has_in_cart(&mut self, variant: u64) -> Result<(), Complaint> {
        let (_, cart) = self.browser.json("/api/cart").await?;
        let there = array(&cart["lines"])?.iter().any(|it| it["variant_id"] == json!(variant));
        expect(there, || format!("variant {variant} was in the cart, which is now {cart}"))
    }
}

/// The page shows one message, and this is in it.
fn says(page: &Page, text: &str) -> Result<(), Complaint> {
    let flash = page.flash();
    expect(flash.len() == 1 && flash[0].contains(text), || {
        format!("{} ({}) says {flash:?} instead of {text:?}", page.path, page.status)
    })
}
