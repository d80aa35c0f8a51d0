//! `POST /graphql`.

use http::{Method, StatusCode, header::VARY};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cart, products,
    schema::{MAX_DEPTH, SHOP},
};
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{api, keep_cart, pages::Visitor},
    models::variant::Variant,
    rails::{
        graphql::{
            Document, Field, Given, Operation, OperationKind, Refused, RequestError, Selection,
            Unread, Variables, parse, too_deep, validate,
        },
        params::{Param, Params},
        record::integer,
        response,
        string::{presence, to_sentence},
    },
};

/// As `GraphqlController#execute`.
pub const EXECUTE: Extraction = Extraction {
    id: "graphql.execute",
    replaces: "GraphqlController#execute",
    effects: Effects::Rows,
    run: |ctx, request| {
        Box::pin(async move {
            let mut reply = api::rescued(request, execute(ctx, request).await)?;
            reply.headers.insert(VARY, response::vary(&request.headers));
            Ok(reply)
        })
    },
};

/// The result: `data` where something was executed, even if it came to nothing.
#[derive(Debug, Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<RequestError>,
}

impl Answer {
    fn errors(errors: Vec<RequestError>) -> Self {
        Self { data: None, errors }
    }
}

impl From<Unread> for HandlerError {
    fn from(Unread(why): Unread) -> Self {
        Self::Declined(why)
    }
}

async fn execute(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    if parameters.all.get("format").is_some() {
        return Err(HandlerError::Declined("the format is a parameter"));
    }
    ctx.verify_authenticity_token(request, &parameters)?;
    let answer = answer(ctx, request, &parameters.all).await?;
    api::render(request, StatusCode::OK, &answer)
}

/// `ShopSchema.execute`
async fn answer(
    ctx: &mut Ctx,
    request: &Request,
    parameters: &Params,
) -> Result<Answer, HandlerError> {
    let given = variables(parameters)?;
    let name = parameters.plain("operationName")?;
    let Some(query) = parameters.plain("query")? else {
        let missing = RequestError::plain("No query string was present".to_owned());
        return Ok(Answer::errors(vec![missing]));
    };
    let document = match parse(query) {
        Ok(document) => document,
        Err(Refused::Wrong(error)) => return Ok(Answer::errors(vec![*error])),
        Err(Refused::Unread(unread)) => return Err(unread.into()),
    };
    match checked(&document, name, &given)? {
        Ok((operation, variables)) => run(ctx, request, &document, operation, &variables).await,
        Err(errors) => Ok(Answer::errors(errors)),
    }
}

/// What to execute with which variables, or why nothing is.
pub(super) fn checked<'a>(
    document: &'a Document,
    name: Option<&str>,
    given: &Params,
) -> Result<Result<(&'a Operation, Variables), Vec<RequestError>>, Unread> {
    let errors = validate(&SHOP, document)?;
    let operation = match document.operation(name) {
        Ok(operation) if errors.is_empty() => operation,
        Ok(_) => return Ok(Err(errors)),
        Err(error) => return Ok(Err(vec![*error])),
    };
    let variables = match Variables::read(operation, given)? {
        Ok(variables) => variables,
        Err(errors) => return Ok(Err(errors)),
    };
    let deep = too_deep(document, operation, &variables, MAX_DEPTH)?;
    Ok(deep.map_or(Ok((operation, variables)), |error| Err(vec![error])))
}

/// `variables`: some clients send them as a JSON text.
fn variables(parameters: &Params) -> Result<Params, HandlerError> {
    match parameters.get("variables") {
        Some(Param::Hash(variables)) => Ok(variables.clone()),
        Some(Param::Text(text)) => match presence(Some(text)) {
            None => Ok(Params::default()),
            Some(text) if text.trim_start().starts_with('{') => {
                Ok(Params::from_json(text.as_bytes())?)
            }
            Some(_) => Err(HandlerError::Declined("the variables are no object")),
        },
        _ => Ok(Params::default()),
    }
}

async fn run(
    ctx: &mut Ctx,
    request: &Request,
    document: &Document,
    operation: &Operation,
    variables: &Variables,
) -> Result<Answer, HandlerError> {
    let root = Selection::new(document, operation, variables);
    match operation.kind {
        OperationKind::Query => query(ctx, request, &root).await,
        OperationKind::Mutation => mutation(ctx, request, &root).await,
        OperationKind::Subscription => Err(HandlerError::Declined("a query subscribes")),
    }
}

/// `Types::QueryType`
async fn query(
    ctx: &mut Ctx,
    request: &Request,
    root: &Selection<'_>,
) -> Result<Answer, HandlerError> {
    let mut data = Map::new();
    let mut visitor = None;
    for selected in root.fields("Query")? {
        let (field, below) = (selected.field, selected.below);
        let value = match field.name.as_str() {
            "cart" => {
                let visitor = match &mut visitor {
                    Some(visitor) => visitor,
                    none => none.insert(Visitor::of(ctx, request).await?),
                };
                cart::value(ctx, &below, &visitor.cart).await?
            }
            "product" => {
                let found = products::find(ctx, id(root, field, "id")?).await?;
                let found = found.into_iter().collect();
                products::values(ctx, &below, found).await?.pop().unwrap_or(Value::Null)
            }
            "products" => {
                let query = match root.string(field, "query")? {
                    Given::Value(query) => Some(query),
                    Given::Absent | Given::Null => None,
                };
                let page = match root.int(field, "page")? {
                    Given::Value(page) => page.max(1),
                    Given::Absent | Given::Null => 1,
                };
                let found = products::page(ctx, query.as_deref(), page).await?;
                Value::Array(products::values(ctx, &below, found).await?)
            }
            _ => "Query".into(),
        };
        data.insert(field.key().to_owned(), value);
    }
    Ok(Answer { data: Some(data.into()), errors: Vec::new() })
}

/// `Types::MutationType`: one field after the other, also after one that failed.
async fn mutation(
    ctx: &mut Ctx,
    request: &Request,
    root: &Selection<'_>,
) -> Result<Answer, HandlerError> {
    let mut data = Map::new();
    let mut errors = Vec::new();
    let mut visitor = None;
    for selected in root.fields("Mutation")? {
        let field = selected.field;
        let value = if field.name == "addToCart" {
            match add_to_cart(ctx, request, root, field, &mut visitor).await? {
                Ok(visitor) => cart::value(ctx, &selected.below, &visitor.cart).await?,
                Err(message) => {
                    errors.push(field.error(message));
                    continue;
                }
            }
        } else {
            "Mutation".into()
        };
        data.insert(field.key().to_owned(), value);
    }
    // No field may be null: where one is, all is.
    let data = if errors.is_empty() { data.into() } else { Value::Null };
    Ok(Answer { data: Some(data), errors })
}

/// `add_to_cart`: whoever has the cart, or why it is as it was.
async fn add_to_cart<'a>(
    ctx: &mut Ctx,
    request: &Request,
    root: &Selection<'_>,
    field: &Field,
    visitor: &'a mut Option<Visitor>,
) -> Result<Result<&'a Visitor, String>, HandlerError> {
    let quantity = match root.int(field, "quantity")? {
        Given::Value(quantity) => quantity.into(),
        Given::Absent => 1,
        Given::Null => return Err(HandlerError::Declined("nil cannot be added to a quantity")),
    };
    let variant = match id(root, field, "variantId")? {
        Some(id) => Variant::find_by_id(&mut ctx.tx, id).await?,
        None => None,
    };
    let Some(variant) = variant else { return Ok(Err("Variant not found".to_owned())) };
    let visitor = match visitor {
        Some(visitor) => visitor,
        none => none.insert(Visitor::of(ctx, request).await?),
    };
    keep_cart(ctx, request, visitor.user.as_ref(), &mut visitor.cart).await?;
    let errors = visitor.cart.add(&mut ctx.tx, ctx.now, &variant, quantity).await?;
    if !errors.is_empty() {
        return Ok(Err(to_sentence(&errors)));
    }
    visitor.cart.reload(&mut ctx.tx).await?;
    Ok(Ok(visitor))
}

/// An `ID` as `find_by(id: …)` reads it; `None` where no row can have it.
fn id(root: &Selection<'_>, field: &Field, name: &str) -> Result<Option<i64>, HandlerError> {
    match root.id(field, name)? {
        Given::Value(text) => Ok(integer(&text, 8).ok().flatten()),
        Given::Absent | Given::Null => Err(HandlerError::Declined("an id is null")),
    }
}
