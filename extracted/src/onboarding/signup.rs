//! `POST /signup`.

use http::{Method, StatusCode};

use super::view;
use crate::{
    contract::{Ctx, Effects, Extraction, HandlerError, Reply, Request},
    controllers::{
        pages::{self, Visitor},
        sign_in,
    },
    models::registration::Registration,
    rails::job::{Argument, Mailer},
};

/// As `RegistrationsController#create`.
pub const SIGNUP: Extraction = Extraction {
    id: "onboarding.signup",
    replaces: "RegistrationsController#create",
    effects: Effects::RowsAndJobs,
    run: |ctx, request| Box::pin(signup(ctx, request)),
};

const WELCOME_MAILER: Mailer = Mailer::new("WelcomeMailer");

async fn signup(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let parameters = request.parameters()?;
    parameters.expect(&Method::POST)?;
    ctx.verify_authenticity_token(request, &parameters)?;
    let registration = Registration::of(parameters.all.require("user")?)?;
    let errors = registration.errors(&mut ctx.tx).await?;
    if errors.is_empty() {
        let user = registration.save(ctx).await?;
        let record = Argument::record("shop", "User", user.id.cast_unsigned());
        ctx.mail(WELCOME_MAILER.mail("welcome", [record]))?;
        sign_in(ctx, request, &user).await?;
        let welcome = format!("Welcome, {}", user.name);
        return pages::redirect_with_notice(ctx, request, "/", &welcome);
    }
    let visitor = Visitor::of(ctx, request).await?;
    let form = view::signup(ctx, request, &registration, &errors)?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    pages::render(ctx, request, &visitor, status, Some("Sign up"), &form).await
}
