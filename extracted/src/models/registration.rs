//! `User`, while somebody signs up.

use sqlx::MySqlConnection;

use super::user::User;
use crate::{
    contract::{Ctx, HandlerError},
    rails::{
        params::{Params, ParamsError},
        password::{self, MAX_CHARACTERS},
        record::truncated,
        string::{presence, strip},
    },
};

/// What a form says of somebody who signs up.
#[derive(Clone, Default)]
pub(crate) struct Registration {
    pub(crate) name: Option<String>,
    /// Stripped, and in small letters.
    pub(crate) email: Option<String>,
    /// None where it is empty.
    password: Option<String>,
    password_confirmation: Option<String>,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Name,
    Email,
    Password,
    PasswordConfirmation,
}

impl Registration {
    /// `User.new(params.permit(…))`
    pub(crate) fn of(params: &Params) -> Result<Self, ParamsError> {
        let text = |name| params.plain(name).map(|it| it.map(str::to_owned));
        let email = text("email")?.unwrap_or_default();
        Ok(Self {
            name: text("name")?,
            email: Some(strip(&email).to_lowercase()),
            password: text("password")?.filter(|it| !it.is_empty()),
            password_confirmation: text("password_confirmation")?,
        })
    }

    /// The errors of `valid?`, in the order of the validations.
    pub(crate) async fn errors(
        &self,
        database: &mut MySqlConnection,
    ) -> sqlx::Result<Vec<(Attribute, &'static str)>> {
        let mut errors = self.secure_password_errors();
        let name = self.name.as_deref().unwrap_or_default();
        if presence(Some(name)).is_none() {
            errors.push((Attribute::Name, "Name can't be blank"));
        }
        if name.chars().count() > 80 {
            errors.push((Attribute::Name, "Name is too long (maximum is 80 characters)"));
        }
        let email = self.email.as_deref().unwrap_or_default();
        if !is_email(email) {
            errors.push((Attribute::Email, "Email is invalid"));
        }
        let taken = "SELECT EXISTS (SELECT 1 FROM users WHERE email = ?)";
        if sqlx::query_scalar(taken).bind(email).fetch_one(database).await? {
            errors.push((Attribute::Email, "Email has already been taken"));
        }
        if self.password.as_deref().is_some_and(|it| it.chars().count() < 8) {
            let short = "Password is too short (minimum is 8 characters)";
            errors.push((Attribute::Password, short));
        }
        Ok(errors)
    }

    /// What `has_secure_password` validates.
    fn secure_password_errors(&self) -> Vec<(Attribute, &'static str)> {
        let mut errors = Vec::new();
        let Some(password) = &self.password else {
            return vec![(Attribute::Password, "Password can't be blank")];
        };
        if password.chars().count() > MAX_CHARACTERS {
            let long = "Password is too long (maximum is 72 characters)";
            errors.push((Attribute::Password, long));
        }
        let again = self.password_confirmation.as_ref();
        if presence(Some(password)).is_some() && again.is_some_and(|it| it != password) {
            let other = "Password confirmation doesn't match Password";
            errors.push((Attribute::PasswordConfirmation, other));
        }
        errors
    }

    /// `save`, of what is valid.
    pub(crate) async fn save(&self, ctx: &mut Ctx) -> Result<User, HandlerError> {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let (name, email, password) = (text(&self.name), text(&self.email), text(&self.password));
        let cost = ctx.application.password_cost;
        let password_digest = password::digest(&password, cost, &mut ctx.random).await?;
        let now = truncated(ctx.now, 6);
        let sql = "INSERT INTO users (email, name, password_digest, created_at, updated_at) \
                   VALUES (?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql).bind(&email).bind(&name).bind(&password_digest);
        let inserted = insert.bind(now).bind(now).execute(&mut *ctx.tx).await?;
        let id = inserted.last_insert_id().cast_signed();
        Ok(User { id, email, name, password_digest, admin: false })
    }
}

/// `URI::MailTo::EMAIL_REGEXP`
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let of_local = |it: u8| it.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&it);
    let label = |it: &str| {
        let ends = |it: Option<&u8>| it.is_some_and(u8::is_ascii_alphanumeric);
        it.len() <= 63
            && ends(it.as_bytes().first())
            && ends(it.as_bytes().last())
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    !local.is_empty() && local.bytes().all(of_local) && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_html_takes_for_one() {
        for address in ["a@b", "a.b+c@shop.test", "!#$%&'*+/=?^_`{|}~-@x-y.z"] {
            assert!(is_email(address), "{address}");
        }
        let long = format!("a@{}", "b".repeat(64));
        for address in
            ["", "a", "@b", "a@", "a@b.", "a@-b", "a@b-", "a@b..c", "a b@c", "a@b@c", "ä@b", &long]
        {
            assert!(!is_email(address), "{address}");
        }
    }

    #[test]
    fn a_password_is_confirmed_where_the_form_asks_for_it() {
        let of = |password: &str, again: Option<&str>| {
            let registration = Registration {
                password: Some(password.to_owned()).filter(|it| !it.is_empty()),
                password_confirmation: again.map(str::to_owned),
                ..Registration::default()
            };
            registration.secure_password_errors().into_iter().map(|it| it.0).collect::<Vec<_>>()
        };
        assert_eq!(of("", Some("x")), [Attribute::Password]);
        assert_eq!(of("correct horse", None), []);
        assert_eq!(of("correct horse", Some("correct horse")), []);
        assert_eq!(of("correct horse", Some("")), [Attribute::PasswordConfirmation]);
        assert_eq!(of("        ", Some("")), []);
        assert_eq!(of(&"x".repeat(73), None), [Attribute::Password]);
    }
}
