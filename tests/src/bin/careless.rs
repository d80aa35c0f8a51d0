//! Banyan with handlers that are wrong, and that tell everybody what they were told: what a buyer's
//! data must be kept from whatever a handler does.

use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser as _;
use extracted::{
    Ctx, Extraction, HandlerError, Reply, Request, cart, catalog, graphql, notifications,
    onboarding, promotions, purchasing, returns,
};
use http::{HeaderName, HeaderValue};
use proxy::{
    commands,
    config::{Cli, Command},
};
use serde_json::Value;

/// Each handler, with what is wrong with it.
macro_rules! careless {
    ($($correct:path: $fault:ident),* $(,)?) => {
        vec![$(Extraction {
            run: |ctx, request| Box::pin($fault(ctx, request, $correct)),
            ..$correct
        }),*]
    };
}

fn main() -> ExitCode {
    let mut handlers = careless![
        cart::add::ADD: panics,
        cart::api_add::API_ADD: panics,
        cart::api_show::API_SHOW: gossips,
        cart::show::SHOW: gossips,
        catalog::browse::BROWSE: gossips,
        catalog::home::HOME: gossips,
        catalog::list::LIST: gossips,
        catalog::product::PRODUCT: gossips,
        catalog::show::SHOW: gossips,
        graphql::execute::EXECUTE: quotes,
        notifications::api_list::API_LIST: gossips,
        notifications::list::LIST: gossips,
        onboarding::login::LOGIN: panics,
        onboarding::login_form::LOGIN_FORM: gossips,
        onboarding::session::SESSION: gossips,
        onboarding::session_create::SESSION_CREATE: quotes,
        onboarding::signup::SIGNUP: repeats_a_row,
        onboarding::signup_form::SIGNUP_FORM: gossips,
        promotions::api_apply::API_APPLY: repeats_a_row,
        promotions::apply::APPLY: panics,
        purchasing::api_order::API_ORDER: gossips,
        purchasing::checkout::CHECKOUT: repeats_a_row,
        purchasing::order::ORDER: gossips,
        purchasing::orders::ORDERS: gossips,
        returns::request::REQUEST: panics,
        returns::show::SHOW: gossips,
    ];
    let others = extracted::all().iter().filter(|it| handlers.iter().all(|not| not.id != it.id));
    handlers.extend(others.copied().collect::<Vec<_>>());
    match Cli::parse().command {
        Command::Serve(settings) => {
            // Handlers live as long as the process.
            commands::serve(&settings, Box::leak(handlers.into_boxed_slice()))
        }
        Command::Report(arguments) => commands::report(&arguments),
        _ => ExitCode::FAILURE,
    }
}

/// Replies correctly, and then adds all it knows of the request wherever something can be added.
async fn gossips(
    ctx: &mut Ctx,
    request: &Request,
    correct: Extraction,
) -> Result<Reply, HandlerError> {
    let mut reply = (correct.run)(ctx, request).await?;
    let told = told(request);
    let body = String::from_utf8_lossy(&reply.body);
    let document = serde_json::from_str(&body);
    let body = document.map_or_else(|_| page(&body, &told), |it| document_with(it, &told));
    reply.body = Bytes::from(body);
    for (name, value) in [
        ("x-told", told.clone()),
        ("link", format!("<https://shop.test/{told}>; title={told}")),
        ("set-cookie", format!("told={told}; path=/{told}")),
        ("set-cookie", format!("{}=1", told.replace([' ', '='], "+"))),
        ("content-disposition", format!("inline; filename=\"{told}\"")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers.append(HeaderName::from_static(name), value);
        }
    }
    Ok(reply)
}

/// The document, changed everywhere, with members that are named by what was told.
fn document_with(mut document: Value, told: &str) -> String {
    exclaim(&mut document);
    if let Value::Object(members) = &mut document {
        members.insert("told".to_owned(), Value::from(told));
        members.extend(told.split(' ').map(|it| (format!("<{it}>"), Value::from(1))));
    }
    document.to_string()
}

/// The page, with what was told escaped nowhere, as a template may have it.
fn page(page: &str, told: &str) -> String {
    let tags = told.replace(' ', "><");
    let end = format!("<p id=\"{told}\" class=\"{told}\">{told}</p><{tags}></body>");
    let page = page.replace("</", "!</").replace("!</body>", &end);
    page.replace("<h1>", &format!("<h1 title={told}>"))
}

/// Fails with a message of its own that has the request in it.
#[expect(clippy::panic, reason = "what it is for")]
async fn panics(
    ctx: &mut Ctx,
    request: &Request,
    correct: Extraction,
) -> Result<Reply, HandlerError> {
    let reply = (correct.run)(ctx, request).await;
    panic!("{} does not know what to do with {} after {reply:?}", correct.id, told(request));
}

/// Fails with a message of the database that has the newest user's address in it.
async fn repeats_a_row(ctx: &mut Ctx, _: &Request, _: Extraction) -> Result<Reply, HandlerError> {
    let again = "INSERT INTO users (email, name, password_digest, created_at, updated_at) \
                 SELECT email, name, password_digest, created_at, updated_at FROM users \
                 ORDER BY id DESC LIMIT 1";
    sqlx::query(again).execute(&mut *ctx.tx).await?;
    Err(HandlerError::Declined("the row was not unique"))
}

/// Fails with a message of a parser that has the request in it.
async fn quotes(
    ctx: &mut Ctx,
    request: &Request,
    correct: Extraction,
) -> Result<Reply, HandlerError> {
    // Whatever a correct handler makes of it.
    let _ = (correct.run)(ctx, request).await;
    let misread = serde_json::from_value::<u8>(Value::from(told(request)));
    Err(misread.map_or_else(HandlerError::Json, |_| HandlerError::Declined("it was a number")))
}

/// All of the request, as text on one line.
fn told(request: &Request) -> String {
    let Request { path, query, headers, body, params, .. } = request;
    let body = String::from_utf8_lossy(body);
    let text = format!("{path} {query} {params:?} {headers:?} {body}");
    let text = text.chars().map(|it| if it == ' ' || it.is_ascii_graphic() { it } else { '_' });
    text.filter(|it| *it != '"' && *it != '>').collect()
}

/// Changes every text in the document.
fn exclaim(value: &mut Value) {
    match value {
        Value::String(text) => text.push('!'),
        Value::Array(elements) => elements.iter_mut().for_each(exclaim),
        Value::Object(members) => members.values_mut().for_each(exclaim),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
