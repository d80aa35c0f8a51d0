//! Markup against what Action View wrote (`tests/vectors/html.json`).

use serde_json::Value;
use time::{Duration, macros::datetime};

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/html.json")).unwrap()
}

fn check(group: &str, name: &str, html: &Html) {
    assert_eq!(html.as_str(), vectors()[group][name], "{name}");
}

#[test]
fn text_is_escaped_as_erb_does() {
    for (text, escaped) in vectors()["escape"].as_object().unwrap() {
        assert_eq!(escape(text), *escaped);
    }
}

#[test]
fn elements_are_written_as_the_helpers_write_them() {
    check("helpers", "csrf_meta_tags", &csrf_meta_tags("global+/=="));
    check("helpers", "csp_meta_tag", &csp_meta_tag("bm9uY2U="));
    check("helpers", "link_to", &link_to("A <b>", "/p?a=1&b=2", &[]));
    check("helpers", "link_to with a class", &link_to("Shop", "/", &[("class", "brand")]));
    let image = [("alt", "Your picture"), ("width", "96"), ("src", "/profile/avatar")];
    check("fields", "image_tag", &tag("img", &image));
    check("fields", "time", &time_tag("3 days ago", datetime!(2026-03-01 13:00 +1)));
    let number =
        [("type", "number"), ("name", "quantities[7]"), ("value", "0"), ("min", "0"), ("max", "3")];
    check("fields", "number_field_tag", &tag("input", &number));
}

#[test]
fn forms_carry_their_method_and_their_token() {
    let content = Html::text("in");
    let stack = &[("class", "stack")];
    let post = Form::post("/x", "/x#post");
    let patch = Form { method: "patch", ..Form::post("/l/1", "/l/1#patch") };
    for (name, form) in [
        ("form_with post", Form::post("/cart/lines?a=1&b=2", "/cart/lines?a=1&b=2#post")),
        ("form_with get", Form::get("/products")),
        ("form_with patch", patch),
        ("form_with class", Form { attributes: stack, ..Form::post("/login", "/login#post") }),
        ("form_with model", Form { attributes: stack, ..Form::post("/signup", "/signup#post") }),
        ("form_tag", post),
        ("form_tag with utf8", Form { utf8: true, ..post }),
    ] {
        check("helpers", name, &form.with(&content));
    }
    let profile = Form {
        method: "patch",
        attributes: stack,
        multipart: true,
        ..Form::post("/profile", "/profile#patch")
    };
    let file = Field::new("file", "user[avatar]", &[("accept", "image/png,image/gif")]);
    check("helpers", "form_with file", &profile.with(&file.tag()));
    let read = button_to("Mark <read>", "/n/1/read", "post", "/n/1/read#post");
    check("helpers", "button_to", &read);
    check("helpers", "button_to delete", &button_to("Remove", "/l/1", "delete", "/l/1#delete"));
}

fn in_form(name: &str, field: &Html) {
    check("fields", name, &Form::post("/x", "/x#post").with(field));
}

#[test]
fn fields_are_written_as_the_helpers_write_them() {
    let quantity = [("value", "2"), ("min", "1"), ("max", "99"), ("aria-label", "Quantity")];
    let number = Field { id: false, ..Field::new("number", "quantity", &quantity) };
    let hidden = Field { id: false, ..Field::new("hidden", "variant_id", &[("value", "9")]) };
    let code = [("placeholder", "Promotion code"), ("aria-label", "Promotion \"code\"")];
    let search = [("value", "a<b"), ("placeholder", "Search")];
    let email = [("value", "a@b"), ("autocomplete", "email")];
    let (old, new) = ([("autocomplete", "current-password")], [("autocomplete", "new-password")]);
    let name = Field::new("text", "user[name]", &[("autocomplete", "name")]);
    let address = Field::new("email", "user[email]", &[("autocomplete", "email")]);
    for (name, field) in [
        ("number_field", number),
        ("hidden_field", hidden),
        ("text_field", Field::new("text", "code", &code)),
        ("plain text_field", Field::new("text", "reason", &[])),
        ("search_field", Field::new("search", "q", &search)),
        ("search_field nil", Field::new("search", "q", &search[1..])),
        ("email_field", Field::new("email", "email", &email)),
        ("password_field", Field::new("password", "password", &old)),
        ("model text_field", Field { value: Some("New <b>"), ..name }),
        ("model password_field", Field::new("password", "user[password]", &new)),
        ("model email_field", Field { value: Some("a@b.c"), ..address }),
    ] {
        in_form(name, &field.tag());
    }
    let wrong = Field { value: Some("x"), ..Field::new("text", "user[name]", &[]) };
    in_form("model with an error", &wrong.tag_with_error());
}

#[test]
fn buttons_and_lists_are_written_as_the_helpers_write_them() {
    in_form("submit", &submit("Update <x>", Some("commit"), false));
    in_form("submit without a name", &submit("Search", None, false));
    in_form("submit disabled", &submit("Add", Some("commit"), true));
    in_form("submit enabled", &submit("Add", Some("commit"), false));
    let card = Select {
        name: "card_token",
        options: &[("Card that pays", "tok_ok"), ("Card <x>", "tok_no")],
        selected: None,
        blank: None,
        attributes: &[("aria-label", "Card")],
    };
    in_form("select", &card.tag());
    let category = Select {
        name: "category",
        options: &[("bags", "bags"), ("<x>", "<x>")],
        selected: Some("<x>"),
        blank: Some("All categories"),
        attributes: &[],
    };
    in_form("select with a blank", &category.tag());
}

#[test]
fn money_is_shown_as_rails_shows_it() {
    let vectors = vectors();
    for (amount, shown) in vectors["currency"].as_object().unwrap() {
        let amount = if amount == "1e3" { "1000" } else { amount };
        let html = number_to_currency(amount.parse().unwrap(), "€");
        assert_eq!(html.as_str(), shown, "{amount}");
    }
    for (unit, shown) in vectors["unit"].as_object().unwrap() {
        assert_eq!(number_to_currency(1.into(), unit).as_str(), shown);
    }
}

#[test]
fn numbers_are_shown_as_rails_shows_them() {
    let vectors = vectors();
    for vector in vectors["precision"].as_array().unwrap() {
        let shown = number_with_precision(vector[0].as_f64().unwrap(), 1);
        assert_eq!(shown.as_deref(), vector[1].as_str(), "{vector}");
    }
    assert_eq!(number_with_precision(f64::INFINITY, 1), None);
    for vector in vectors["pluralize"].as_array().unwrap() {
        assert_eq!(pluralize(vector[0].as_u64().unwrap(), "item", "items"), vector[1]);
    }
}

#[test]
fn times_are_told_as_rails_tells_them() {
    let now = datetime!(2026-03-01 12:00 UTC);
    for vector in vectors()["words"].as_array().unwrap() {
        let ago = now - Duration::seconds(vector[0].as_i64().unwrap());
        assert_eq!(distance_of_time_in_words(ago, now), vector[1], "{vector}");
        assert_eq!(distance_of_time_in_words(now, ago), vector[1], "{vector}");
    }
}
