//! `ShopSchema` and the types of `app/graphql/types`.

use crate::rails::graphql::{Argument, FieldType, Input, Object, Schema, SchemaField};

/// `max_depth`
pub(super) const MAX_DEPTH: usize = 10;

pub(super) static SHOP: Schema = Schema {
    query: &QUERY,
    mutation: &MUTATION,
    objects: &[&CART, &CART_LINE, &MUTATION, &PRODUCT, &QUERY, &VARIANT],
    scalars: &["Boolean", "Float", "ID", "ISO8601DateTime", "Int", "Money", "String"],
};

const BOOLEAN: FieldType = FieldType::Scalar("Boolean");
const DATE_TIME: FieldType = FieldType::Scalar("ISO8601DateTime");
const FLOAT: FieldType = FieldType::Scalar("Float");
const ID: FieldType = FieldType::Scalar("ID");
const INT: FieldType = FieldType::Scalar("Int");
const MONEY: FieldType = FieldType::Scalar("Money");
const STRING: FieldType = FieldType::Scalar("String");

static QUERY: Object = Object {
    name: "Query",
    fields: &[
        SchemaField::new("cart", FieldType::Object("Cart")),
        SchemaField {
            name: "product",
            returns: FieldType::Object("Product"),
            arguments: &[Argument { name: "id", input: Input::Id, required: true }],
        },
        SchemaField {
            name: "products",
            returns: FieldType::Object("Product"),
            arguments: &[
                Argument { name: "page", input: Input::Int, required: false },
                Argument { name: "query", input: Input::String, required: false },
            ],
        },
    ],
};

static MUTATION: Object = Object {
    name: "Mutation",
    fields: &[SchemaField {
        name: "addToCart",
        returns: FieldType::Object("Cart"),
        arguments: &[
            Argument { name: "quantity", input: Input::Int, required: false },
            Argument { name: "variantId", input: Input::Id, required: true },
        ],
    }],
};

static CART: Object = Object {
    name: "Cart",
    fields: &[
        SchemaField::new("count", INT),
        SchemaField::new("discount", MONEY),
        SchemaField::new("lines", FieldType::Object("CartLine")),
        SchemaField::new("shipping", MONEY),
        SchemaField::new("subtotal", MONEY),
        SchemaField::new("total", MONEY),
    ],
};

static CART_LINE: Object = Object {
    name: "CartLine",
    fields: &[
        SchemaField::new("id", ID),
        SchemaField::new("quantity", INT),
        SchemaField::new("total", MONEY),
        SchemaField::new("variant", FieldType::Object("Variant")),
    ],
};

static PRODUCT: Object = Object {
    name: "Product",
    fields: &[
        SchemaField::new("brand", STRING),
        SchemaField::new("category", STRING),
        SchemaField::new("currency", STRING),
        SchemaField::new("description", STRING),
        SchemaField::new("id", ID),
        SchemaField::new("inStock", BOOLEAN),
        SchemaField::new("listedAt", DATE_TIME),
        SchemaField::new("name", STRING),
        SchemaField::new("price", MONEY),
        SchemaField::new("rating", FLOAT),
        SchemaField::new("related", FieldType::Object("Product")),
        SchemaField::new("slug", STRING),
        SchemaField::new("subtitle", STRING),
        SchemaField::new("tags", STRING),
        SchemaField::new("variants", FieldType::Object("Variant")),
    ],
};

static VARIANT: Object = Object {
    name: "Variant",
    fields: &[
        SchemaField::new("id", ID),
        SchemaField::new("price", MONEY),
        SchemaField::new("sku", STRING),
        SchemaField::new("stock", INT),
        SchemaField::new("title", STRING),
    ],
};
