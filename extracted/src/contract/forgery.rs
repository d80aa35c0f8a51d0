//! `protect_from_forgery`: a form that changes something must come from a page of ours.
//!
//! Source: actionpack 6.1, `action_controller/metal/request_forgery_protection.rb`.

use http::Method;

use super::{Ctx, HandlerError, Request, request::Parameters};
use crate::rails::{
    csrf::{CsrfToken, Form, Origin},
    params::Param,
};

/// Where a session keeps its token.
const KEY: &str = "_csrf_token";

impl Ctx {
    /// `form_authenticity_token`: for this form, or without one for all. A session that has no token
    /// yet is given one.
    ///
    /// # Errors
    /// As [`Ctx::session`], and where the session's token is none.
    pub(crate) fn authenticity_token(
        &mut self,
        request: &Request,
        form: Option<Form<'_>>,
    ) -> Result<String, HandlerError> {
        let token = self.csrf_token(request)?;
        let options = self.application.forgery;
        let form = form.filter(|_| options.per_form);
        Ok(token.for_form(form, options.alphabet, &mut self.random))
    }

    /// `verify_authenticity_token` with `protect_from_forgery with: :exception`.
    ///
    /// # Errors
    /// [`HandlerError::InvalidAuthenticityToken`] when the request could come from another site.
    pub(crate) fn verify_authenticity_token(
        &mut self,
        request: &Request,
        parameters: &Parameters,
    ) -> Result<(), HandlerError> {
        if matches!(parameters.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let options = self.application.forgery;
        let origin = Origin::of(request.header("origin")?, &request.base_url);
        if options.origin_check && origin != Origin::Own {
            return Err(HandlerError::InvalidAuthenticityToken);
        }
        let form = match parameters.all.get("authenticity_token") {
            Some(Param::Text(token)) => Some(token.as_str()),
            _ => None,
        };
        let given = [form, request.header("x-csrf-token")?];
        let action = Form { path: &request.path, method: parameters.method.as_str() };
        for token in given.into_iter().flatten().filter(|it| CsrfToken::is_formed(it)) {
            if self.csrf_token(request)?.accepts(token, action, options.per_form) {
                return Ok(());
            }
        }
        Err(HandlerError::InvalidAuthenticityToken)
    }

    /// `real_csrf_token`.
    fn csrf_token(&mut self, request: &Request) -> Result<CsrfToken, HandlerError> {
        if let Some(text) = self.session(request)?.get(KEY) {
            let token = text.as_str().and_then(CsrfToken::from_session);
            return token.ok_or(HandlerError::Declined("the session's CSRF token is none"));
        }
        let token = CsrfToken::generate(&mut self.random);
        let text = token.to_session(self.application.forgery.alphabet);
        self.session(request)?.set(KEY, text);
        Ok(token)
    }
}
