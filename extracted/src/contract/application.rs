//! What the monolith is configured to, as far as its answers and cookies show it.

use crate::rails::{
    cookie::{CookieOptions, Encryption, SigningDigest},
    csrf::Alphabet,
    key_generator::{KeyDigest, KeyGenerator},
    password::Cost,
    serializer::Serializer,
    session::Sessions,
};

/// The monolith's settings, derived once: keys cost milliseconds.
#[derive(Debug, Clone)]
pub struct Application {
    /// Where sessions are; `None` where nobody has told. An action that needs the session is the
    /// monolith's then.
    pub sessions: Option<Sessions>,
    /// `protect_from_forgery`.
    pub forgery: Forgery,
    /// `BCrypt::Engine.cost`, of passwords that are set from now on.
    pub password_cost: Cost,
}

impl Default for Application {
    fn default() -> Self {
        Self { sessions: None, forgery: Forgery::default(), password_cost: Cost::DEFAULT }
    }
}

/// How forms are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgery {
    /// `urlsafe_csrf_tokens`.
    pub alphabet: Alphabet,
    /// `per_form_csrf_tokens`.
    pub per_form: bool,
    /// `forgery_protection_origin_check`.
    pub origin_check: bool,
}

impl Default for Forgery {
    fn default() -> Self {
        Self { alphabet: Alphabet::UrlSafe, per_form: true, origin_check: true }
    }
}

/// `config.load_defaults`: the version whose defaults an application has taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Defaults {
    /// Of `6.1` the 6.
    pub major: u8,
    /// Of `6.1` the 1.
    pub minor: u8,
}

impl Defaults {
    /// An application that never called `load_defaults`.
    pub const NONE: Self = Self::of(0, 0);

    /// Those of this version.
    pub const fn of(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// What these defaults mean for cookies, with a serializer that the application names itself.
    ///
    /// Source: railties, `application/configuration.rb` (`load_defaults`), 5.0 to 7.0.
    pub fn cookies(self, secret_key_base: &str, serializer: Serializer) -> CookieOptions {
        let since = |major, minor| self >= Self::of(major, minor);
        CookieOptions {
            keys: KeyGenerator::new(secret_key_base, self.key_digest()),
            serializer,
            encryption: if since(5, 2) { Encryption::Gcm } else { Encryption::Cbc },
            signing: SigningDigest::Sha1,
            metadata: since(6, 0),
        }
    }

    /// `key_generator_hash_digest_class`.
    pub fn key_digest(self) -> KeyDigest {
        if self >= Self::of(7, 0) { KeyDigest::Sha256 } else { KeyDigest::Sha1 }
    }

    /// What these defaults mean for forms.
    pub fn forgery(self) -> Forgery {
        let since = |major, minor| self >= Self::of(major, minor);
        Forgery {
            alphabet: if since(6, 1) { Alphabet::UrlSafe } else { Alphabet::Standard },
            per_form: since(5, 0),
            origin_check: since(5, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_brings_what_it_changed() {
        for (version, encryption, metadata, alphabet, per_form) in [
            (Defaults::NONE, Encryption::Cbc, false, Alphabet::Standard, false),
            (Defaults::of(5, 0), Encryption::Cbc, false, Alphabet::Standard, true),
            (Defaults::of(5, 2), Encryption::Gcm, false, Alphabet::Standard, true),
            (Defaults::of(6, 0), Encryption::Gcm, true, Alphabet::Standard, true),
            (Defaults::of(6, 1), Encryption::Gcm, true, Alphabet::UrlSafe, true),
            (Defaults::of(7, 0), Encryption::Gcm, true, Alphabet::UrlSafe, true),
        ] {
            let cookies = version.cookies("secret", Serializer::Json);
            assert_eq!((cookies.encryption, cookies.metadata), (encryption, metadata));
            let forgery = version.forgery();
            assert_eq!((forgery.alphabet, forgery.per_form), (alphabet, per_form));
        }
        let key = |it: Defaults| it.cookies("secret", Serializer::Json).keys;
        let digest = |it| format!("{:?}", key(it));
        assert_ne!(digest(Defaults::of(6, 1)), digest(Defaults::of(7, 0)));
    }
}
