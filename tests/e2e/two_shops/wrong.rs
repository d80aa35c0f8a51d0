//! Extractions with one fault each: the part that it is in must find it, and no other.

use extracted::{
    Ctx, Effects, Extraction, HandlerError, Reply, Request, catalog,
    rails::{
        cable::Channel,
        cookie::EncryptedCookies,
        job::{GlobalId, Sidekiq, Stamp, Worker},
        value::{Hash, Value},
    },
};
use http::{HeaderValue, StatusCode, header::SET_COOKIE};

use super::{Scenario, form, json, parity, parity_with, report::Part, session};

const SHOW: Extraction = catalog::show::SHOW;
const MATCHING: &str = "method = \"GET\", path = \"/api/products/{id}\"";
const PRODUCT: &str = "/api/products/7";

/// The right answer and the right rows, with a statement and a fault put in.
async fn faulty(
    ctx: &mut Ctx,
    request: &Request,
    sql: &'static str,
    fault: fn(&mut Ctx, &mut Reply),
) -> Result<Reply, HandlerError> {
    let mut reply = (SHOW.run)(ctx, request).await?;
    if !sql.is_empty() {
        sqlx::query(sql).execute(&mut *ctx.tx).await?;
    }
    fault(ctx, &mut reply);
    Ok(reply)
}

macro_rules! faulty {
    ($sql:expr, $fault:expr) => {
        Extraction {
            effects: Effects::RowsAndJobs,
            run: |ctx, request| Box::pin(faulty(ctx, request, $sql, $fault)),
            ..SHOW
        }
    };
}

fn scenario(extraction: Extraction) -> Scenario {
    parity_with(extraction, MATCHING).get(PRODUCT)
}

async fn assert_found(extraction: Extraction, part: Part) {
    let report = scenario(extraction).play().await.expect_err("the fault is not found");
    assert_eq!(report.parts(), [part], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_extraction_is_let_pass() {
    scenario(faulty!("", |_, _| {})).run().await;
    parity("catalog.show").get(PRODUCT).answered_by_rust().get("/").declined().run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_status_is_found() {
    let wrong = faulty!("", |_, reply| reply.status = StatusCode::CREATED);
    assert_found(wrong, Part::Status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_field_is_found() {
    let wrong = faulty!("", |_, reply| {
        reply.headers.remove("x-frame-options");
    });
    assert_found(wrong, Part::Headers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_byte_is_found() {
    let wrong = faulty!("", |_, reply| {
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        reply.body = text.replace("\"currency\":\"EUR\"", "\"currency\":\"EUr\"").into();
    });
    assert_found(wrong, Part::Body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_not_of_now_is_found() {
    let wrong = faulty!("", |_, reply| {
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        let (before, rest) = text.split_once("\"viewed_at\":\"").unwrap();
        let after = &rest["2026".len()..];
        reply.body = format!("{before}\"viewed_at\":\"2015{after}").into();
    });
    assert_found(wrong, Part::Body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_rails_does_not_have_is_found() {
    let wrong = faulty!("", |ctx, reply| {
        let mut session = Hash::default();
        session.set("user_id", Value::Integer(1));
        let cookies = EncryptedCookies::new(&session::options());
        let cookie = cookies.write(session::NAME, &Value::Hash(session), None, &mut ctx.random);
        // What Rack escapes in it.
        let cookie = cookie.unwrap().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let cookie = format!("{}={cookie}; path=/; HttpOnly; SameSite=Lax", session::NAME);
        reply.headers.insert(SET_COOKIE, HeaderValue::try_from(cookie).unwrap());
    });
    assert_found(wrong, Part::Session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_value_of_a_column_is_found() {
    let wrong = faulty!("UPDATE products SET brand = 'Nobody' WHERE id = 7", |_, _| {});
    assert_found(wrong, Part::Rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_not_made_is_found() {
    let wrong =
        faulty!("UPDATE products SET views_count = views_count - 1 WHERE id = 7", |_, _| {});
    assert_found(wrong, Part::Rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_too_many_is_found() {
    let wrong = faulty!(
        "INSERT INTO carts (created_at, updated_at) VALUES (UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
        |_, _| {}
    );
    assert_found(wrong, Part::Rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_too_many_is_found() {
    let wrong = faulty!(
        "INSERT INTO outbox_events (aggregate_type, aggregate_id, name, payload, created_at) \
         VALUES ('Order', 1, 'order.placed', '{}', UTC_TIMESTAMP(6))",
        |_, _| {}
    );
    assert_found(wrong, Part::Events).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_too_many_is_found() {
    let wrong = faulty!("", |ctx, _| {
        let mut stamp = Stamp { sidekiq: Sidekiq::UpTo7, now: ctx.now, random: &mut ctx.random };
        let worker = Worker::new("OrderConfirmationWorker");
        ctx.jobs.push(worker.perform_async(&[1.into()], &mut stamp).unwrap());
    });
    assert_found(wrong, Part::Jobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_too_many_is_found() {
    let wrong = faulty!("", |ctx, _| {
        let channel = Channel { prefix: Some("shop"), name: "order" };
        let order = GlobalId::new("shop", "Order", "1");
        ctx.broadcasts.push(channel.broadcast_to(&order, &"shipped").unwrap());
    });
    assert_found(wrong, Part::Broadcasts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_rails_where_rust_should_is_found() {
    let declining = Extraction {
        run: |_, _| Box::pin(async { Err(HandlerError::Declined("not today")) }),
        ..SHOW
    };
    assert_found(declining, Part::AnsweredBy).await;
    parity_with(declining, MATCHING).get(PRODUCT).declined().run().await;
}

/// Its rows are rolled back, and their ids are used up: Rails' rows then have other ids than those of
/// the shop that is asked directly.
#[tokio::test(flavor = "multi_thread")]
async fn ids_may_differ_when_an_insert_was_rolled_back() {
    const CARTS: &str = "INSERT INTO carts (created_at, updated_at) VALUES (NOW(6), NOW(6))";
    const LINES: &str = "INSERT INTO cart_lines (cart_id, variant_id, created_at, updated_at) \
                         VALUES (0, 0, NOW(6), NOW(6))";
    let late = Extraction {
        id: "cart.late",
        replaces: "Api::CartLinesController#create",
        effects: Effects::Rows,
        run: |ctx, _| {
            Box::pin(async {
                for sql in [CARTS, LINES, LINES] {
                    sqlx::query(sql).execute(&mut *ctx.tx).await?;
                }
                Err(HandlerError::Declined("after it has written"))
            })
        },
    };
    parity_with(late, "method = \"POST\", path = \"/api/cart/lines\"")
        .given("UPDATE variants SET stock = 50 WHERE id = 14")
        .post("/api/cart/lines", json(r#"{"variant_id":14}"#))
        .with_api_token()
        .declined()
        .gives(201)
        .get("/api/cart")
        .declined()
        .take("line", "SELECT MAX(id) FROM cart_lines")
        .patch("/cart/lines/{line}", form(&[("quantity", "3")]))
        .with_form_token("/cart", "/cart/lines/{line}")
        .declined()
        .gives(302)
        .run()
        .await;
}
