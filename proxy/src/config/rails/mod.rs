//! What the monolith is configured to, as far as handlers must know it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{Args, ValueEnum};
use extracted::{
    Application, Defaults,
    rails::{
        cache,
        cookie::{Encryption, EncryptionKey},
        key_generator::{KeyDigest, KeyGenerator},
        password::Cost,
        serializer::Serializer,
        session::{CookieStore, Kept, RedisStore, SessionCookie, Sessions},
    },
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

    /// A secret_key_base that the monolith had before, in a file: cookies made with it are still read;
    /// repeatable
    #[arg(long, env = "BANYAN_OLD_SECRET_KEY_BASE_FILE", value_name = "FILE")]
    #[arg(value_delimiter = ',')]
    pub old_secret_key_base_file: Vec<PathBuf>,

    /// Cookies whose keys were derived with SHA1 are still read: the monolith has come to
    /// load_defaults 7.0 and rotates them
    #[arg(long, env = "BANYAN_SHA1_COOKIES")]
    pub sha1_cookies: bool,

    /// The `key` of the monolith's session_store: _APP_session
    #[arg(long, env = "BANYAN_SESSION_COOKIE", value_name = "NAME")]
    pub session_cookie: Option<String>,

    /// Where the monolith's sessions are: in the cookie; in a RedisCacheStore, whose entries are in
    /// this cache_format_version; or in Redis by redis-rack or redis-session-store, which write so
    #[arg(long, env = "BANYAN_SESSION_STORE", value_enum, default_value_t = SessionStore::Cookie)]
    pub session_store: SessionStore,

    /// The Redis that the monolith's sessions are in: redis://:PASSWORD@HOST:PORT/NUMBER
    #[arg(long, env = "BANYAN_SESSION_REDIS", value_name = "URL", hide_env_values = true)]
    pub session_redis: Option<Secret>,

    /// What their keys begin with, up to the `2::` [default: _session_id: in a cache, rack:session:
    /// otherwise]
    #[arg(long, env = "BANYAN_SESSION_PREFIX", value_name = "TEXT")]
    pub session_prefix: Option<String>,

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

/// Where sessions are, and how they are written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SessionStore {
    /// In an encrypted cookie.
    Cookie,
    /// In a cache as Rails 6.1 writes its entries.
    #[value(name = "cache-6.1")]
    Cache61,
    /// In a cache as Rails 7.0 writes its entries.
    #[value(name = "cache-7.0")]
    Cache70,
    /// In a cache as Rails 7.1 writes its entries.
    #[value(name = "cache-7.1")]
    Cache71,
    /// In Marshal: redis-rack, or redis-session-store as it is.
    #[value(name = "redis-marshal")]
    Marshal,
    /// redis-session-store with `serializer: :json`.
    #[value(name = "redis-json")]
    Json,
    /// redis-session-store with `serializer: :hybrid`.
    #[value(name = "redis-hybrid")]
    Hybrid,
}

impl SessionStore {
    /// How Redis holds a session; `None` where it is in its cookie.
    fn kept(self) -> Option<Kept> {
        match self {
            Self::Cookie => None,
            Self::Cache61 => Some(Kept::Entry(cache::Format::Rails61)),
            Self::Cache70 => Some(Kept::Entry(cache::Format::Rails70)),
            Self::Cache71 => Some(Kept::Entry(cache::Format::Rails71)),
            Self::Marshal => Some(Kept::Plain(Serializer::Marshal)),
            Self::Json => Some(Kept::Plain(Serializer::Json)),
            Self::Hybrid => Some(Kept::Plain(Serializer::Hybrid)),
        }
    }
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
    #[error("the secret_key_base in {0} cannot be read")]
    File(PathBuf, #[source] io::Error),
    /// It has nothing in it.
    #[error("the secret_key_base is empty; give the monolith's")]
    Empty,
    /// Nobody has said which cookie it is.
    #[error("say which cookie the session is in: --session-cookie NAME, as in session_store.rb")]
    NoCookie,
    /// Nobody has said which Redis they are in.
    #[error("say which Redis the sessions are in: --session-redis URL, or --session-store cookie")]
    NoRedis,
    /// There is a Redis that no store is in.
    #[error(
        "--session-redis and --session-prefix are for sessions in Redis: say how they are kept \
             there with --session-store"
    )]
    NotInRedis,
    /// It is none.
    #[error("--session-redis must be a URL: redis://:PASSWORD@HOST:PORT/NUMBER")]
    Redis(#[source] redis::RedisError),
}

impl Rails {
    /// The settings, with the keys derived.
    ///
    /// # Errors
    /// When the secret is not to be had, or it is not said which cookie it is for.
    pub fn application(&self) -> Result<Application, RailsError> {
        let Version(defaults) = self.rails_defaults;
        let sessions = self.sessions()?;
        let password_cost = Cost::new(self.bcrypt_cost.into()).unwrap_or(Cost::DEFAULT);
        Ok(Application { sessions, forgery: defaults.forgery(), password_cost })
    }

    fn secret(&self) -> Result<Option<String>, RailsError> {
        let secret = match (&self.secret_key_base, &self.secret_key_base_file) {
            (Some(secret), _) => secret.expose().to_owned(),
            (None, Some(file)) => return secret_in(file).map(Some),
            (None, None) => return Ok(None),
        };
        if secret.is_empty() { Err(RailsError::Empty) } else { Ok(Some(secret)) }
    }

    /// `cookies_rotations`: the keys of former secrets, and of a former digest.
    fn old_keys(&self, secret: String) -> Result<Vec<EncryptionKey>, RailsError> {
        let Version(defaults) = self.rails_defaults;
        let now = defaults.key_digest();
        let old = self.old_secret_key_base_file.iter().map(|it| secret_in(it));
        let old = old.collect::<Result<Vec<_>, _>>()?;
        let sha1 = old.iter().cloned().chain([secret]).map(|it| (it, KeyDigest::Sha1));
        let sha1: Vec<_> = if self.sha1_cookies { sha1.collect() } else { Vec::new() };
        let keys = old.into_iter().map(|it| (it, now)).chain(sha1).flat_map(|(secret, digest)| {
            let keys = KeyGenerator::new(secret, digest);
            [Encryption::Gcm, Encryption::Cbc].map(|it| EncryptionKey::derive(&keys, it))
        });
        Ok(keys.collect())
    }

    fn sessions(&self) -> Result<Option<Sessions>, RailsError> {
        match self.session_store.kept() {
            Some(kept) => self.redis(kept).map(|it| Some(Sessions::Redis(it))),
            None if self.session_redis.is_some() || self.session_prefix.is_some() => {
                Err(RailsError::NotInRedis)
            }
            None => {
                let Some(secret) = self.secret()? else { return Ok(None) };
                let Version(defaults) = self.rails_defaults;
                let serializer = match self.cookies_serializer {
                    CookiesSerializer::Json => Serializer::Json,
                    CookiesSerializer::Marshal => Serializer::Marshal,
                    CookiesSerializer::Hybrid => Serializer::Hybrid,
                };
                let options = defaults.cookies(&secret, serializer);
                let store = CookieStore::new(self.cookie()?, &options);
                let old = self.old_keys(secret)?.into_iter();
                Ok(Some(Sessions::Cookie(old.fold(store, CookieStore::rotate))))
            }
        }
    }

    fn redis(&self, kept: Kept) -> Result<RedisStore, RailsError> {
        let url = self.session_redis.as_ref().ok_or(RailsError::NoRedis)?;
        let usual = match kept {
            Kept::Entry(_) => "_session_id:",
            Kept::Plain(_) => "rack:session:",
        };
        let prefix = self.session_prefix.as_deref().unwrap_or(usual);
        RedisStore::new(url.expose(), self.cookie()?, prefix, kept).map_err(RailsError::Redis)
    }

    fn cookie(&self) -> Result<SessionCookie, RailsError> {
        let name = self.session_cookie.as_ref().ok_or(RailsError::NoCookie)?;
        let mut cookie = SessionCookie::new(name);
        cookie.secure = self.session_secure;
        cookie.domain.clone_from(&self.session_domain);
        cookie.expire_after = self.session_expire_after.map(|it| Duration::seconds(it.into()));
        Ok(cookie)
    }
}

fn secret_in(file: &Path) -> Result<String, RailsError> {
    let read = fs::read_to_string(file);
    // Editors end a file with a line end; Rails strips its own file of it too.
    let secret = read.map_err(|it| RailsError::File(file.to_owned(), it))?.trim().to_owned();
    if secret.is_empty() { Err(RailsError::Empty) } else { Ok(secret) }
}

#[cfg(test)]
mod tests;
