//! Mistakes in a product's page.

use shadow::{
    Class::{Cosmetic, Critical},
    DifferenceKind::{Changed, Extra, Missing, Retyped},
};

use super::plant::{Asked::Page, Plant, swap};

pub(super) const PLANTS: &[Plant] = &[
    // Attributes.
    Plant {
        name: "class-left-out",
        asked: Page,
        spoil: |it| swap(it, r#"<p class="price">"#, "<p>"),
        found: &[(":root > body > main > p[class]", Missing, Cosmetic)],
    },
    Plant {
        name: "another-link",
        asked: Page,
        spoil: |it| swap(it, r#"href="/cart""#, r#"href="/carts""#),
        found: &[(":root > body > header > a[href]", Changed, Critical)],
    },
    Plant {
        name: "another-target",
        asked: Page,
        spoil: |it| swap(it, r#"action="/cart/lines""#, r#"action="/cart""#),
        found: &[(
            ":root > body > main > table > tbody > tr > td > form[action]",
            Changed,
            Critical,
        )],
    },
    Plant {
        name: "buyable-though-sold-out",
        asked: Page,
        spoil: |it| swap(it, r#"disabled="disabled" "#, ""),
        found: &[(
            ":root > body > main > table > tbody > tr > td > form > input[disabled]",
            Missing,
            Critical,
        )],
    },
    Plant {
        name: "disabled-in-other-words",
        asked: Page,
        spoil: |it| swap(it, r#"disabled="disabled" "#, "disabled "),
        found: &[],
    },
    Plant {
        name: "another-hidden-value",
        asked: Page,
        spoil: |it| swap(it, r#"<input value=""#, r#"<input value="9"#),
        found: &[(
            ":root > body > main > table > tbody > tr > td > form > input[value]",
            Changed,
            Critical,
        )],
    },
    Plant {
        name: "another-data-attribute",
        asked: Page,
        spoil: |it| swap(it, r#"data-disable-with="Add"#, r#"data-disable-with="Added"#),
        found: &[(
            ":root > body > main > table > tbody > tr > td > form > input[data-disable-with]",
            Changed,
            Critical,
        )],
    },
    Plant {
        name: "an-attribute-too-many",
        asked: Page,
        spoil: |it| swap(it, "<table>", r#"<table onclick="pay()">"#),
        found: &[(":root > body > main > table[onclick]", Extra, Critical)],
    },
    Plant {
        name: "another-order-of-attributes",
        asked: Page,
        spoil: |it| {
            swap(it, r#"class="brand" href="/""#, r#"href='/'   class="brand""#);
        },
        found: &[],
    },
    // The token must be one.
    Plant {
        name: "no-token",
        asked: Page,
        spoil: |it| {
            swap(it, r#"name="csrf-token" content=""#, r#"name="csrf-token" content="" x=""#);
        },
        found: &[
            (":root > head > meta[content]", Changed, Critical),
            (":root > head > meta[x]", Extra, Critical),
        ],
    },
    // The nonce must be that of the header.
    Plant {
        name: "nonce-of-another-policy",
        asked: Page,
        spoil: |it| swap(it, r#"<style nonce=""#, r#"<style nonce="x"#),
        found: &[(":root > head > style[nonce]", Changed, Critical)],
    },
    // Texts.
    Plant {
        name: "another-currency",
        asked: Page,
        spoil: |it| swap(it, "€19.90", "$19.90"),
        found: &[(":root > body > main > p::text", Changed, Critical)],
    },
    Plant {
        name: "page-in-another-locale",
        asked: Page,
        spoil: |it| swap(it, "€19.90", "€19,90"),
        found: &[(":root > body > main > p::text", Changed, Critical)],
    },
    Plant {
        name: "white-space-that-shows",
        asked: Page,
        spoil: |it| swap(it, "<td>87 left</td>", "<td>87left</td>"),
        found: &[(":root > body > main > table > tbody > tr > td::text", Changed, Critical)],
    },
    Plant {
        name: "white-space-that-does-not-show",
        asked: Page,
        spoil: |it| swap(it, "<td>87 left</td>", "<td>\n  87 \t left </td>"),
        found: &[],
    },
    Plant {
        name: "entity-shown",
        asked: Page,
        spoil: |it| swap(it, "fish &amp; chips", "fish &amp;amp; chips"),
        found: &[(":root > body > main > p::text", Changed, Critical)],
    },
    Plant {
        name: "markup-shown",
        asked: Page,
        spoil: |it| swap(it, "<b>", "&lt;b&gt;"),
        found: &[
            (":root > body > main > p > b", Missing, Critical),
            (":root > body > main > p::text", Missing, Critical),
            (":root > body > main > p::text", Extra, Critical),
        ],
    },
    Plant {
        name: "another-title",
        asked: Page,
        spoil: |it| swap(it, " · Banyan Shop</title>", "</title>"),
        found: &[(":root > head > title::text", Changed, Critical)],
    },
    // Elements.
    Plant {
        name: "row-lost",
        asked: Page,
        spoil: |it| {
            let text = str::from_utf8(&it.body).unwrap();
            let (from, to) = (text.find("<tr>").unwrap(), text.find("</tr>").unwrap());
            it.body = [&text[..from], &text[to + 5..]].concat().into();
        },
        found: &[(":root > body > main > table > tbody > tr", Missing, Critical)],
    },
    Plant {
        name: "another-element",
        asked: Page,
        spoil: |it| {
            swap(it, "<h1>", "<h2>");
            swap(it, "</h1>", "</h2>");
        },
        found: &[(":root > body > main > h1", Retyped, Critical)],
    },
];
