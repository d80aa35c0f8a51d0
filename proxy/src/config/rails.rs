//! What the monolith is configured to, as far as handlers must know it.

use std::{fs, io, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use extracted::{
    Application, Defaults,
    rails::{password::Cost, serializer::Serializer, session::CookieStore},
};
use time::Duration;

use super::Secret;

/// The monolith's own settings.
#[derive(Debug, Clone, Args)]
#[expect(clippy::doc_markdown, reason = "the texts are shown by --help, without markup")]
pub struct Rails {
    /// The monolith's secret_key_base in a file, so that extractions read its sessions; or in
    /// BANYAN_SECRET_KEY_BASE
    #[arg(long, env = "BANYAN_SECRET_KEY_BASE_FILE", value_name = "FILE")]
    pub secret_key_base_file: Option<PathBuf>,

    /// Hidden: a flag is seen by every user of the machine
    #[arg(long, env = "BANYAN_SECRET_KEY_BASE", value_name = "SECRET", hide = true)]
    #[arg(hide_env_values = true, conflicts_with = "secret_key_base_file")]
    pub secret_key_base: Option<Secret>,

    /// The `key` of the monolith's session_store: _APP_session
    #[arg(long, env = "BANYAN_SESSION_COOKIE", value_name = "NAME")]
    pub session_cookie: Option<String>,

    /// The monolith's config.load_defaults, or none
    #[arg(long, env = "BANYAN_RAILS_DEFAULTS", value_name = "VERSION", default_value = "6.1")]
    pub rails_defaults: Version,

    /// The monolith's cookies_serializer
    #[arg(long, env = "BANYAN_COOKIES_SERIALIZER", value_enum)]
    #[arg(default_value_t = CookiesSerializer::Json)]
    pub cookies_serializer: CookiesSerializer,

    /// The monolith's session cookie is for TLS only: force_ssl, or secure: true
    #[arg(long, env = "BANYAN_SESSION_SECURE")]
    pub session_secure: bool,

    /// The domain of the monolith's session_store
    #[arg(long, env = "BANYAN_SESSION_DOMAIN", value_name = "DOMAIN")]
    pub session_domain: Option<String>,

    /// The expire_after of the monolith's session_store
    #[arg(long, env = "BANYAN_SESSION_EXPIRE_AFTER", value_name = "SECONDS")]
    pub session_expire_after: Option<u32>,

    /// The monolith's BCrypt::Engine.cost, of passwords that extractions set
    #[arg(long, env = "BANYAN_BCRYPT_COST", value_name = "N", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u8).range(4..=31))]
    pub bcrypt_cost: u8,
}

/// `cookies_serializer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CookiesSerializer {
    /// Reads and writes JSON.
    Json,
    /// Also what Rails does when nothing is set.
    Marshal,
    /// Reads both, writes JSON.
    Hybrid,
}

/// `config.load_defaults`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(Defaults);

impl FromStr for Version {
    type Err = String;

    /// `6.1`, or `none` for an application that never called `load_defaults`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Defaults::NONE));
        }
        let parts = text.split_once('.').and_then(|(major, minor)| {
            Some(Defaults::of(major.parse().ok()?, minor.parse().ok()?))
        });
        parts.map(Self).ok_or_else(|| "must be a version of Rails such as 6.1, or none".to_owned())
    }
}

/// The settings of the monolith cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RailsError {
    /// The file with the secret cannot be read.
    #[error("--secret-key-base-file {0} cannot be read")]
    File(PathBuf, #[source] io::Error),
    /// It has nothing in it.
    #[error("the secret_key_base is empty; give the monolith's")]
    Empty,
    /// Nobody has said which cookie it is.
    #[error("say which cookie the session is in: --session-cookie NAME, as in session_store.rb")]
    NoCookie,
}

impl Rails {
    /// The settings, with the keys derived.
    ///
    /// # Errors
    /// When the secret is not to be had, or it is not said which cookie it is for.
    pub fn application(&self) -> Result<Application, RailsError> {
        let Version(defaults) = self.rails_defaults;
        let sessions = self.secret()?.map(|it| self.sessions(&it)).transpose()?;
        let password_cost = Cost::new(self.bcrypt_cost.into()).unwrap_or(Cost::DEFAULT);
        Ok(Application { sessions, forgery: defaults.forgery(), password_cost })
    }

    fn secret(&self) -> Result<Option<String>, RailsError> {
        let secret = match (&self.secret_key_base, &self.secret_key_base_file) {
            (Some(secret), _) => secret.expose().to_owned(),
            (None, Some(file)) => {
                let read = fs::read_to_string(file);
                // Editors end a file with a line end; Rails strips its own file of it too.
                read.map_err(|it| RailsError::File(file.clone(), it))?.trim().to_owned()
            }
            (None, None) => return Ok(None),
        };
        if secret.is_empty() { Err(RailsError::Empty) } else { Ok(Some(secret)) }
    }

    fn sessions(&self, secret: &str) -> Result<CookieStore, RailsError> {
        let Version(defaults) = self.rails_defaults;
        let serializer = match self.cookies_serializer {
            CookiesSerializer::Json => Serializer::Json,
            CookiesSerializer::Marshal => Serializer::Marshal,
            CookiesSerializer::Hybrid => Serializer::Hybrid,
        };
        let name = self.session_cookie.as_ref().ok_or(RailsError::NoCookie)?;
        let mut store = CookieStore::new(name, &defaults.cookies(secret, serializer));
        store.secure = self.session_secure;
        store.domain.clone_from(&self.session_domain);
        store.expire_after = self.session_expire_after.map(|it| Duration::seconds(it.into()));
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{super::Cli, *};
    use crate::config::Command;

    fn rails(flags: &[&str]) -> Rails {
        let flags = ["banyan", "serve"].iter().chain(flags);
        let Command::Serve(serve) = Cli::try_parse_from(flags).unwrap().command else {
            panic!("not serve")
        };
        serve.rails
    }

    #[test]
    fn sessions_need_a_secret_and_a_name() {
        assert!(rails(&[]).application().unwrap().sessions.is_none());
        let secret = ["--secret-key-base", "0123"];
        assert!(matches!(rails(&secret).application(), Err(RailsError::NoCookie)));
        let both = [&secret[..], &["--session-cookie", "_shop_session"]].concat();
        let store = rails(&both).application().unwrap().sessions.unwrap();
        assert_eq!(store.name, "_shop_session");
        let empty = ["--secret-key-base", "", "--session-cookie", "_shop_session"];
        assert!(matches!(rails(&empty).application(), Err(RailsError::Empty)));
    }

    #[test]
    fn a_secret_in_a_file_is_read_without_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "0123\n").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(rails(&["--secret-key-base-file", path]).secret().unwrap().unwrap(), "0123");
        let error = rails(&["--secret-key-base-file", "/nowhere"]).secret().unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
    }

    #[test]
    fn a_version_is_two_numbers_or_none() {
        assert_eq!("7.0".parse(), Ok(Version(Defaults::of(7, 0))));
        assert_eq!("none".parse(), Ok(Version(Defaults::NONE)));
        for text in ["", "7", "7.0.1", "seven", "-1.0"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
