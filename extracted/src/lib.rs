//! Actions of the monolith, answered in Rust.
//!
//! A handler lives at `src/<capability>/<action>.rs` and is registered in [`all`]; its id
//! `<capability>.<action>` names its route, its metrics and its reports.

pub mod cart;
pub mod catalog;
mod contract;
mod controllers;
pub mod graphql;
mod models;
pub mod notifications;
pub mod onboarding;
pub mod promotions;
pub mod purchasing;
pub mod rails;
pub mod returns;
mod serializers;
mod views;

pub use contract::{
    Application, Ctx, Defaults, Effects, Extraction, Forgery, HandlerError, HandlerFuture, Reply,
    Request, Tx,
};
pub use rails::job::Job;

/// Every extraction, by id.
pub const fn all() -> &'static [Extraction] {
    &[
        cart::add::ADD,
        cart::api_add::API_ADD,
        cart::api_remove::API_REMOVE,
        cart::api_show::API_SHOW,
        cart::line::LINE,
        cart::show::SHOW,
        catalog::browse::BROWSE,
        catalog::home::HOME,
        catalog::list::LIST,
        catalog::product::PRODUCT,
        catalog::show::SHOW,
        graphql::execute::EXECUTE,
        notifications::api_list::API_LIST,
        notifications::list::LIST,
        notifications::read::READ,
        onboarding::login::LOGIN,
        onboarding::login_form::LOGIN_FORM,
        onboarding::logout::LOGOUT,
        onboarding::session::SESSION,
        onboarding::session_create::SESSION_CREATE,
        onboarding::session_destroy::SESSION_DESTROY,
        onboarding::signup::SIGNUP,
        onboarding::signup_form::SIGNUP_FORM,
        promotions::api_apply::API_APPLY,
        promotions::apply::APPLY,
        purchasing::api_checkout::API_CHECKOUT,
        purchasing::api_order::API_ORDER,
        purchasing::checkout::CHECKOUT,
        purchasing::order::ORDER,
        purchasing::orders::ORDERS,
        returns::approve::APPROVE,
        returns::request::REQUEST,
        returns::review::REVIEW,
        returns::show::SHOW,
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn extractions_are_listed_once_each_and_by_id() {
        let ids: Vec<_> = super::all().iter().map(|it| it.id).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    }
}
