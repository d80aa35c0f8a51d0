//! Mistakes in a product's JSON.

use shadow::{
    Class::Critical,
    DifferenceKind::{Changed, Extra, Missing, Moved, Retyped},
};

use super::plant::{Asked::Product, Plant, swap};

pub(super) const PLANTS: &[Plant] = &[
    // Types.
    Plant {
        name: "number-as-text",
        asked: Product,
        spoil: |it| swap(it, r#""zero":0,"#, r#""zero":"0","#),
        found: &[("$.details.zero", Retyped, Critical)],
    },
    Plant {
        name: "text-as-number",
        asked: Product,
        spoil: |it| swap(it, r#""price":"19.9""#, r#""price":19.9"#),
        found: &[("$.price", Retyped, Critical)],
    },
    Plant {
        name: "bool-as-number",
        asked: Product,
        spoil: |it| swap(it, r#""washable":false"#, r#""washable":0"#),
        found: &[("$.details.washable", Retyped, Critical)],
    },
    Plant {
        name: "object-for-list",
        asked: Product,
        spoil: |it| swap(it, r#""care":[]"#, r#""care":{}"#),
        found: &[("$.details.care", Retyped, Critical)],
    },
    // Inside a field that every answer has another value of.
    Plant {
        name: "views-as-text",
        asked: Product,
        spoil: |it| swap(it, r#""views":"#, r#""views":"many","seen":"#),
        found: &[("$.seen", Extra, Critical), ("$.views", Retyped, Critical)],
    },
    // Nulls.
    Plant {
        name: "null-for-empty",
        asked: Product,
        spoil: |it| swap(it, r#""subtitle":"""#, r#""subtitle":null"#),
        found: &[("$.subtitle", Retyped, Critical)],
    },
    Plant {
        name: "empty-for-null",
        asked: Product,
        spoil: |it| swap(it, r#""nothing":null"#, r#""nothing":"""#),
        found: &[("$.details.nothing", Retyped, Critical)],
    },
    Plant {
        name: "missing-for-null",
        asked: Product,
        spoil: |it| swap(it, r#""nothing":null,"#, ""),
        found: &[("$.details.nothing", Missing, Critical)],
    },
    Plant {
        name: "null-for-missing",
        asked: Product,
        spoil: |it| swap(it, r#""currency":"#, r#""discount":null,"currency":"#),
        found: &[("$.discount", Extra, Critical)],
    },
    Plant {
        name: "member-twice",
        asked: Product,
        spoil: |it| swap(it, r#""currency":"#, r#""currency":"USD","currency":"#),
        found: &[("$.currency", Extra, Critical), ("$.currency", Changed, Critical)],
    },
    // Order, and how many there are.
    Plant {
        name: "list-reversed",
        asked: Product,
        spoil: |it| swap(it, r#""list":[1,2,3,4]"#, r#""list":[4,3,2,1]"#),
        found: &[("$.details.list", Moved, Critical)],
    },
    Plant {
        name: "one-moved",
        asked: Product,
        spoil: |it| swap(it, r#"["sale","new","eco"]"#, r#"["eco","sale","new"]"#),
        found: &[("$.tags", Moved, Critical)],
    },
    Plant {
        name: "last-one-lost",
        asked: Product,
        spoil: |it| swap(it, r#""list":[1,2,3,4]"#, r#""list":[1,2,3]"#),
        found: &[("$.details.list[*]", Missing, Critical)],
    },
    Plant {
        name: "one-twice",
        asked: Product,
        spoil: |it| swap(it, r#"["sale","new","eco"]"#, r#"["sale","sale","new","eco"]"#),
        found: &[("$.tags[*]", Extra, Critical)],
    },
    Plant {
        name: "off-by-one",
        asked: Product,
        spoil: |it| swap(it, r#""stock":87"#, r#""stock":86"#),
        found: &[("$.variants[*].stock", Changed, Critical)],
    },
    Plant {
        name: "counted-once-more-by-far",
        asked: Product,
        spoil: |it| swap(it, r#""views":"#, r#""views":9"#),
        found: &[("$.views", Changed, Critical)],
    },
    // Digits.
    Plant {
        name: "price-with-all-digits",
        asked: Product,
        spoil: |it| swap(it, r#""price":"19.9""#, r#""price":"19.90""#),
        found: &[("$.price", Changed, Critical)],
    },
    Plant {
        name: "exponent",
        asked: Product,
        spoil: |it| swap(it, r#""ratio":1000.0"#, r#""ratio":1e3"#),
        found: &[("$.details.ratio", Changed, Critical)],
    },
    Plant {
        name: "integer-through-a-double",
        asked: Product,
        spoil: |it| swap(it, "12345678901234567890", "12345678901234567000"),
        found: &[("$.details.serial", Changed, Critical)],
    },
    Plant {
        name: "rounding",
        asked: Product,
        spoil: |it| swap(it, r#""tenth":0.1"#, r#""tenth":0.10000000000000001"#),
        found: &[("$.details.tenth", Changed, Critical)],
    },
    Plant {
        name: "minus-zero",
        asked: Product,
        spoil: |it| swap(it, r#""zero":0,"#, r#""zero":-0,"#),
        found: &[("$.details.zero", Changed, Critical)],
    },
    // Times and places.
    Plant {
        name: "zone-in-other-words",
        asked: Product,
        spoil: |it| swap(it, "12:00:00.123Z", "12:00:00.123+00:00"),
        found: &[("$.details.at", Changed, Critical)],
    },
    Plant {
        name: "an-hour-off",
        asked: Product,
        spoil: |it| swap(it, "12:00:00.123Z", "13:00:00.123Z"),
        found: &[("$.details.at", Changed, Critical)],
    },
    Plant {
        name: "milliseconds-cut-off",
        asked: Product,
        spoil: |it| swap(it, "12:00:00.123Z", "12:00:00Z"),
        found: &[("$.details.at", Changed, Critical)],
    },
    // Where times differ with every answer, and minutes are tolerated.
    Plant {
        name: "clock-in-another-century",
        asked: Product,
        spoil: |it| swap(it, r#""viewed_at":"20"#, r#""viewed_at":"19"#),
        found: &[("$.viewed_at", Changed, Critical)],
    },
    Plant {
        name: "locale",
        asked: Product,
        spoil: |it| swap(it, "1.234,56", "1,234.56"),
        found: &[("$.details.amount", Changed, Critical)],
    },
    // Texts, and how they are written.
    Plant {
        name: "other-escapes-of-one-text",
        asked: Product,
        spoil: |it| {
            swap(it, r"a/b \u003cc\u003e", r"a\/b <c>");
        },
        found: &[],
    },
    Plant {
        name: "another-order-of-members",
        asked: Product,
        spoil: |it| {
            swap(it, r#""currency":"EUR","#, "");
            swap(it, r#""brand":"#, r#""currency": "EUR", "brand" : "#);
        },
        found: &[],
    },
    // Where a rule says that the order counts.
    Plant {
        name: "another-order-of-details",
        asked: Product,
        spoil: |it| swap(it, r#""zero":0,"tenth":0.1,"#, r#""tenth":0.1,"zero":0,"#),
        found: &[("$.details", Moved, Critical)],
    },
    Plant {
        name: "escaped-twice",
        asked: Product,
        spoil: |it| swap(it, r"a/b \u003cc\u003e", r"a/b \\u003cc\\u003e"),
        found: &[("$.details.text", Changed, Critical)],
    },
    Plant {
        name: "entity-encoded-twice",
        asked: Product,
        spoil: |it| swap(it, r"fish \u0026amp; chips", r"fish \u0026amp;amp; chips"),
        found: &[("$.details.entity", Changed, Critical)],
    },
    Plant {
        name: "composed-otherwise",
        asked: Product,
        spoil: |it| swap(it, "Åre\"", "A\u{30a}re\""),
        found: &[("$.details.town", Changed, Critical)],
    },
    Plant {
        name: "utf-8-read-as-latin-1",
        asked: Product,
        spoil: |it| swap(it, "Åre\"", "Ã\u{85}re\""),
        found: &[("$.details.town", Changed, Critical)],
    },
];
